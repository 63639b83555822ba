"""A whole queue as one file: a zip of `queue.json` and the assets that its jobs need."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.queue.assets import asset_keys
from skyreels_cli.queue.job import FINISHED, Job, NewJob, check_states
from skyreels_cli.queue.store import Store, unused_output
from skyreels_cli.recipe.inputs import portable
from skyreels_cli.recipe.validate import find_problems

VERSION = 1
QUEUE = "queue.json"
JOB_FIELDS = ("draft", "recipe", "plan", "placement", "priority", "keep_work", "degrade", "max_attempts")
PAST_COLUMNS = ("uid", "created_at", "started_at", "finished_at", "result", "error", "error_code")


@dataclass(frozen=True)
class Imported:
    """The ids of the jobs that were added, and how many were there already."""

    added: list[int]
    known: int


def export_queue(store: Store, file: Path) -> int:
    """Write every job in its order, and every asset once; returns the number of jobs."""
    jobs = [store.job(summary.id) for summary in store.jobs(sort="queue")]
    partial = file.with_name(f".{file.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as bundle:
            described = [_description(job) for job in jobs]
            bundle.writestr(QUEUE, json.dumps({"skyreels_queue": VERSION, "jobs": described}, indent=1))
            for key in sorted(set().union(*(asset_keys(job.draft) for job in jobs))):
                bundle.write(store.assets.path(key), f"assets/{key}")
        partial.replace(file)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror or error}"
        raise SkyreelsError("export-failed", message, "skyreels queue export ~/queue.zip") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(jobs)


def import_queue(store: Store, file: Path, outdir: Path) -> Imported:
    """Append the jobs of a file in their order; those that are here already (by their `uid`) are left out.

    A job that was running is queued; one whose output folder does not exist here writes into `outdir`.
    Raises UsageError `not-a-queue` or `queue-newer`; then nothing has been imported.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            described = _described(bundle, file)
            _take_assets(store, bundle, described)
        jobs = [(_new_job(job, outdir), {name: job[name] for name in PAST_COLUMNS}) for job in described]
    except (OSError, zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError) as error:
        hint = "skyreels queue export queue.zip"
        raise UsageError("not-a-queue", f"{file} is no file of `skyreels queue export`", hint) from error
    added: list[int] = []
    with store.database.write() as connection:
        known = {row[0] for row in connection.execute("SELECT uid FROM jobs")}
        for new, past in jobs:
            if past["uid"] not in known:
                output = unused_output(connection, new.output) if new.output_is_default else new.output
                added.append(store.insert(connection, new, new.draft, output, past))
    return Imported(added, len(jobs) - len(added))


def _described(bundle: zipfile.ZipFile, file: Path) -> list[dict[str, Any]]:
    """The jobs in a file, each checked as if it had been typed."""
    content = json.loads(bundle.read(QUEUE))
    if content["skyreels_queue"] > VERSION:
        message = f"{file} was exported by a newer skyreels"
        raise UsageError("queue-newer", message, "pipx upgrade skyreels-cli")
    jobs: list[dict[str, Any]] = content["jobs"]
    for number, described in enumerate(jobs, 1):
        for problem in find_problems(described["draft"]):
            message = f"{file}: job {number}: {problem.key}: {problem.message}"
            raise UsageError("not-a-queue", message, "export it again from where it comes from")
    return jobs


def _take_assets(store: Store, bundle: zipfile.ZipFile, jobs: list[dict[str, Any]]) -> None:
    """Unpack what the jobs name, and only that, under the hash that its content has."""
    for described in jobs:
        for key in asset_keys(described["draft"]):
            sha256, _, name = key.partition("/")
            if Path(name).name != name or not name:
                raise ValueError(f"{key} is no asset's name")
            store.assets.unpack(bundle.open(f"assets/{key}"), sha256, name)


def _description(job: Job) -> dict[str, Any]:
    """What leaves this machine: no path of it, and of an error that names one only its code."""
    told = {name: portable(getattr(job, name)) for name in ("state", "output", *JOB_FIELDS, *PAST_COLUMNS)}
    if job.error and ("/" in job.error["message"] or "\\" in job.error["message"]):
        told["error"] = {**job.error, "message": str(job.error["code"]).replace("-", " "), "hint": None}
    return told


def _new_job(described: dict[str, Any], outdir: Path) -> NewJob:
    """The job as it is added here; it may not replace a file, even if it was allowed to where it comes from."""
    (state,) = check_states([described["state"]])
    output = Path(described["output"])
    there = output if output.is_absolute() and output.parent.is_dir() else outdir.absolute() / output.name
    fields = {name: described[name] for name in JOB_FIELDS}
    waits = state not in FINISHED
    return NewJob(**fields, output=there, output_is_default=waits, state="queued" if state == "running" else state)
