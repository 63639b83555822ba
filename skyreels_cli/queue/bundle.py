"""A whole queue as one file: a zip of `queue.json` and the assets that its jobs need."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.queue.actions import check_after
from skyreels_cli.queue.assets import asset_keys
from skyreels_cli.queue.job import FINISHED, Job, NewJob, check_states
from skyreels_cli.queue.store import Store, unused_output
from skyreels_cli.recipe.inputs import portable
from skyreels_cli.recipe.validate import find_problems

VERSION = 1
QUEUE = "queue.json"
JOB_FIELDS = ("draft", "recipe", "plan", "placement", "priority", "keep_work", "degrade", "max_attempts")
LATER_FIELDS = ("not_before", "group_id")
"""Files of earlier versions lack them."""
PAST_COLUMNS = ("uid", "created_at", "started_at", "finished_at", "result", "error", "error_code")


@dataclass(frozen=True)
class Imported:
    """The ids of the jobs that were added, how many were there already, and who waits for nobody any more.

    `freed` are added jobs that were to start after one that is neither in the file nor here.
    """

    added: list[int]
    known: int
    freed: list[int] = field(default_factory=list)


def export_queue(store: Store, file: Path) -> int:
    """Write every job in its order, and every asset once; returns the number of jobs."""
    jobs = [store.job(summary.id) for summary in store.jobs(sort="queue")]
    partial = file.with_name(f".{file.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as bundle:
            uids = {job.id: job.uid for job in jobs}
            described = [{**_description(job), "after": uids.get(job.after or 0)} for job in jobs]
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

    A job that was running is queued; one whose output folder does not exist here writes into `outdir`. Groups stay
    together, and jobs start after the same jobs as there; one whose moment is over starts when its turn comes.
    Raises UsageError `not-a-queue` or `queue-newer`; then nothing has been imported.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            described = _described(bundle, file)
            _take_assets(store, bundle, described)
        jobs = [(_new_job(job, outdir), {name: job[name] for name in PAST_COLUMNS}) for job in described]
    except (OSError, zipfile.BadZipFile, ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as error:
        hint = "skyreels queue export queue.zip"
        raise UsageError("not-a-queue", f"{file} is no file of `skyreels queue export`", hint) from error
    added: dict[int, dict[str, Any]] = {}
    with store.database.write() as connection:
        known = {row[0] for row in connection.execute("SELECT uid FROM jobs")}
        for job, (new, past) in zip(described, jobs, strict=True):
            if past["uid"] not in known:
                output = unused_output(connection, new.output) if new.output_is_default else new.output
                added[store.insert(connection, new, new.draft, output, past)] = job
        _group(connection, described, added)
        freed = _line_up(connection, added, file)
    return Imported(list(added), len(jobs) - len(added), freed)


def _group(connection: Connection, described: list[dict[str, Any]], added: dict[int, dict[str, Any]]) -> None:
    """Put the added jobs into their groups: with members that are here already, else under the first one's id."""
    here = dict(connection.execute("SELECT uid, group_id FROM jobs WHERE group_id IS NOT NULL").fetchall())
    groups = {job["group_id"]: here[job["uid"]] for job in described if job["uid"] in here}
    for number, job in added.items():
        if job.get("group_id") is not None:
            group = groups.setdefault(job["group_id"], number)
            connection.execute("UPDATE jobs SET group_id = ? WHERE id = ?", (group, number))


def _line_up(connection: Connection, added: dict[int, dict[str, Any]], file: Path) -> list[int]:
    """Have the added jobs wait for the jobs that they waited for; returns those for which that is nowhere."""
    numbers = dict(connection.execute("SELECT uid, id FROM jobs").fetchall())
    waiting = {number: numbers.get(job["after"]) for number, job in added.items() if job.get("after")}
    for number, after in waiting.items():
        connection.execute("UPDATE jobs SET after = ? WHERE id = ?", (after, number))
    for number, after in waiting.items():
        try:
            check_after(connection, number, after)
        except UsageError as circle:
            message = f"{file}: jobs in it wait for each other"
            raise UsageError("not-a-queue", message, "export it again from where it comes from") from circle
    return [number for number, after in waiting.items() if after is None]


def _described(bundle: zipfile.ZipFile, file: Path) -> list[dict[str, Any]]:
    """The jobs in a file, each checked as if it had been typed."""
    content = json.loads(bundle.read(QUEUE))
    if content["skyreels_queue"] > VERSION:
        message = f"{file} was exported by a newer skyreels"
        raise UsageError("queue-newer", message, "pipx upgrade skyreels-cli")
    jobs: list[dict[str, Any]] = content["jobs"]
    for number, described in enumerate(jobs, 1):
        _check_start(described)
        for problem in find_problems(described["draft"]):
            message = f"{file}: job {number}: {problem.key}: {problem.message}"
            raise UsageError("not-a-queue", message, "export it again from where it comes from")
    return jobs


def _check_start(described: dict[str, Any]) -> None:
    """ValueError, TypeError or OverflowError for a moment, a group or a job to wait for that cannot be one."""
    datetime.fromtimestamp(described.get("not_before") or 0, UTC)
    if not isinstance(described.get("after"), str | None) or not isinstance(described.get("group_id"), int | None):
        raise TypeError("a job is named by its uid, a group by a number")


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
    told = {
        name: portable(getattr(job, name)) for name in ("state", "output", *JOB_FIELDS, *LATER_FIELDS, *PAST_COLUMNS)
    }
    if job.error and ("/" in job.error["message"] or "\\" in job.error["message"]):
        told["error"] = {**job.error, "message": str(job.error["code"]).replace("-", " "), "hint": None}
    return told


def _new_job(described: dict[str, Any], outdir: Path) -> NewJob:
    """The job as it is added here; it may not replace a file, even if it was allowed to where it comes from."""
    (state,) = check_states([described["state"]])
    output = Path(described["output"])
    there = output if output.is_absolute() and output.parent.is_dir() else outdir.absolute() / output.name
    fields = {name: described[name] for name in JOB_FIELDS} | {"not_before": described.get("not_before")}
    waits = state not in FINISHED
    return NewJob(**fields, output=there, output_is_default=waits, state="queued" if state == "running" else state)
