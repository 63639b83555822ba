"""A job on shared storage: all that a worker and the machine that renders tell each other.

    job.json      the command `render` of `queue.renderer`
    request       empty, or `stop`
    events.jsonl  what the renderer tells, appended
    output        what it prints
    id            the batch system's name for it

The files are there before the job is submitted, as NFS lets a machine believe for a while that a file is missing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.film.folder.durable import write_json
from skyreels_cli.film.folder.manifest import read_record

SUFFIX = ".job"
# What no waiting changes.
NEVER = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)
# A disk with less is full.
FULL_BYTES = 65536
# They say nothing of the film: a job is the same with other ones.
PASSING = ("do", "job", "next")


class JobFolder:
    """The folder of one job, beside its film."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.job = path / "job.json"
        self.events = path / "events.jsonl"
        self.output = path / "output"
        self._request = path / "request"
        self._id = path / "id"

    @classmethod
    def of(cls, output: Path) -> JobFolder:
        """The folder of the job that makes this film."""
        return cls(output.with_name(output.name + SUFFIX))

    @property
    def name(self) -> str:
        """A name for the batch system: the film's, and what sets it apart from films of that name elsewhere."""
        return f"{self.path.stem[:40]}-{hashlib.sha256(str(self.path).encode()).hexdigest()[:10]}"

    @property
    def command(self) -> dict[str, Any] | None:
        """The command in it; None if there is none."""
        return read_record(self.job)

    @property
    def id(self) -> str | None:
        """The batch system's id; None if the job has not been submitted, or its worker died as it was."""
        with suppress(OSError):
            return self._id.read_text(encoding="utf-8").strip() or None
        return None

    def fill(self, command: Mapping[str, Any]) -> None:
        """Write everything but the id.

        Raises RetryableError `job-folder` if that is not possible now (the disk is full), UsageError `job-folder` if it
        never will be.
        """
        self.empty()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if is_full(self.path):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for file in (self._request, self.events, self.output, self._id):
                file.write_bytes(b"")
            write_json(self.job, dict(command))
        except OSError as error:
            message = f"the job's folder {self.path} cannot be written: {error.strerror}"
            if error.errno in NEVER:
                raise UsageError("job-folder", message, f"ls -ld {quote(str(self.path.parent))}") from None
            raise RetryableError("job-folder", message, f"df -h {quote(str(self.path.parent))}") from None

    def note_id(self, job: str) -> None:
        """Keep the id; if that fails, the job is found by its name."""
        with suppress(OSError):
            self._id.write_text(job, encoding="utf-8")

    def ask_to_stop(self) -> None:
        """Have the renderer save a checkpoint and stop; one that waits for its turn stops as soon as that comes."""
        with suppress(OSError):
            self._request.write_text("stop", encoding="utf-8")

    def let_go_on(self) -> None:
        """Take a request to stop back; it may have been heard already."""
        with suppress(OSError):
            self._request.write_bytes(b"")

    def is_asked_to_stop(self) -> bool:
        """Whether the renderer is to stop."""
        with suppress(OSError):
            return self._request.read_text(encoding="utf-8") == "stop"
        return False

    def stop_text(self) -> str:
        """The end of a sentence about a job that has stopped, if there is one elsewhere without a worker."""
        if not self.job.exists():
            return ""
        name = f"its job elsewhere{f' ({self.id})' if self.id else ''}"
        if self.is_asked_to_stop():
            return f"; {name} is asked to stop"
        return f"; {name} runs on, as {self.path} cannot be written"

    def empty(self) -> None:
        """Remove it; without `job.json` what a file server still keeps of it means nothing."""
        with suppress(OSError):
            self.job.unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)


def is_full(folder: Path) -> bool:
    """Whether the disk has no room for the events of a job."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free < FULL_BYTES
    return False


def stop_left(output: Path, number: int) -> None:
    """Ask a job that runs elsewhere although its worker is gone to save a checkpoint and stop."""
    folder = JobFolder.of(output)
    if (folder.command or {}).get("job") == number:
        folder.ask_to_stop()


def is_same_film(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two commands ask for the same."""
    return _lasting(one) == _lasting(other)


def _lasting(command: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in command.items() if name not in PASSING}
