"""Why a job is over that did not say so itself."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

from skyreels_cli.errors import OutOfMemoryError, SkyreelsError, UsageError
from skyreels_cli.plugins.executor import JobPlace
from skyreels_cli.queue.batch.folder import is_full


def end_record(job: int, place: JobPlace, films: Path) -> dict[str, Any]:
    """The error of a job that is over, by what its batch system says and the disk `films` shows."""
    message = f"the job is over and its film is not: {place.text}"
    code, kind, hint = "renderer-died", SkyreelsError, f"skyreels queue logs {job}"
    if place.end == "cancelled":
        code, kind, hint = "cancelled-there", UsageError, f"skyreels queue retry {job}"
    elif place.end == "memory":
        kind = OutOfMemoryError
    elif is_full(films):
        code, hint, message = "disk-full", f"df -h {quote(str(films))}", f"{message}; the disk is full"
    return {"code": code, "message": message, "hint": hint, "exit_code": kind.exit_code}
