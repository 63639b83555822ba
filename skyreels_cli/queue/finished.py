"""Recognises a film that is finished though its job is not: the worker died before it could record the end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.manifest import read_record, work_folder
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.recipe.inputs import portable
from skyreels_cli.recipe.schema import with_later_fields


def file_mark(path: Path) -> str:
    """Inode, size and time of a file, to tell whether it is still the same one; empty if there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def earlier_result(job: Job, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The `FilmDone` of a film of this recipe that an earlier attempt has finished; None if it is yet to be made.

    Raises UsageError `output-exists` for a file that is not ours and may not be overwritten.
    """
    mark = file_mark(job.output_path)
    if not mark:
        return None
    if mark != job.output_before:
        made = read_record(job.output_path.with_name(job.output_path.name + ".json")) or {}
        if with_later_fields(made.get("recipe", {})) == with_later_fields(portable(recipe)):
            return {**made.get("result", {}), "output": job.output, "recipe": recipe}
    if job.overwrite:
        return None
    hint = f"skyreels queue edit {job.id} --overwrite"
    raise UsageError("output-exists", f"{job.output} exists already", hint)


def discard_work(job: Job) -> None:
    """Remove the work folder of a film, and its job's elsewhere; no process may be rendering in it."""
    JobFolder.of(job.output_path).empty()
    shutil.rmtree(work_folder(job.output_path), ignore_errors=True)
