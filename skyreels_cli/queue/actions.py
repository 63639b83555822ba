"""What people do to jobs: cancel, retry, pause, resume, reorder, edit, remove.

A job that runs belongs to its worker: it can only be asked to stop (`request`), and does so within a step. One that
runs elsewhere although its worker is gone is asked through its folder. Each function raises UsageError `job-not-found`,
or `job-state` where the job's state does not allow it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.queue.batch.folder import stop_left
from skyreels_cli.queue.finished import discard_work
from skyreels_cli.queue.job import FINISHED, SUMMARY_COLUMNS, WAITING, Job, JobState, JobSummary, NewJob
from skyreels_cli.queue.leases import reap
from skyreels_cli.queue.store import Store, one_output_each, wording

_OPEN = f"state IN {WAITING}"
_EDITABLE: tuple[JobState, ...] = (*WAITING, "failed", "cancelled")


def cancel(store: Store, number: int) -> Job:
    """End a job: at once if it waits, within a step if it runs. What is rendered stays, for `retry`."""
    with _change(store, number, ("running", *WAITING)) as (connection, job):
        if job.state == "running":
            _set(connection, number, request="cancel")
        else:
            _set(connection, number, state="cancelled", finished_at=store.now())
    _stop_elsewhere([job])
    return store.job(number)


def pause(store: Store, number: int) -> Job:
    """Set a job aside; one that runs saves a checkpoint and frees its device first."""
    with _change(store, number, ("running", *WAITING)) as (connection, job):
        if job.state != "running":
            _set(connection, number, state="paused")
        elif job.request is None:  # a cancel that is on its way stays one
            _set(connection, number, request="pause")
    _stop_elsewhere([job])
    return store.job(number)


def resume(store: Store, number: int) -> Job:
    """Let a paused job go on where it stopped."""
    with _change(store, number, ("paused", "queued", "running")) as (connection, job):
        if job.state == "paused":
            _set(connection, number, state="queued", retry_at=None)
        elif job.request == "pause":
            _set(connection, number, request=None)
    return store.job(number)


def retry(store: Store, number: int, *, fresh: bool = False) -> Job:
    """Queue a job that failed or was cancelled once more; its film goes on where it stopped, unless `fresh`.

    `fresh` also takes back what running out of memory had changed. Raises `output-queued` if another job has taken
    its output's name meanwhile.
    """
    anew = {"overrides": "{}", "degradations": "[]", "best_steps": 0} if fresh else {}
    with _change(store, number, ("failed", "cancelled")) as (connection, job):
        if fresh:
            discard_work(job)
        with one_output_each(job.output):
            _set(connection, number, state="queued", attempts=0, losses=0, retry_at=None, finished_at=None, **anew)
    return store.job(number)


def duplicate(store: Store, number: int) -> Job:
    """A new job that says the same, under another output name."""
    job = store.job(number)
    same: dict[str, Any] = {name: getattr(job, name) for name in ("draft", "recipe", "plan", "placement", "priority")}
    limits: dict[str, Any] = {"max_attempts": job.max_attempts, "degrade": job.degrade}
    return store.add(NewJob(**same, **limits, output=job.output_path, output_is_default=True))


def edit(store: Store, number: int, new: NewJob, start: Mapping[str, Any] | None = None) -> Job:
    """Change a job that does not run; what it had rendered under another recipe is discarded at its next start.

    `start` is as in `set_start`, and raises the same.
    """
    new, draft = store.take_in(new)
    start = start or {}
    with _change(store, number, _EDITABLE) as (connection, job):
        placement = new.placement or {}
        check_after(connection, number, start.get("after"))
        with one_output_each(new.output):
            _set(
                connection,
                number,
                draft=json.dumps(draft),
                placement=json.dumps(placement),
                output=str(new.output),
                overwrite=new.overwrite,
                keep_work=new.keep_work,
                degrade=new.degrade,
                max_attempts=new.max_attempts,
                output_before=job.output_before if str(new.output) == job.output else None,
                reworded=True,
                overrides="{}",
                degradations="[]",
                progress="{}",
                steps_done=0,
                best_steps=0,
                **wording(new.recipe, new.plan, placement),
                **start,
            )
    _stop_elsewhere([job])
    return store.job(number)


def set_start(store: Store, number: int, start: Mapping[str, Any]) -> Job:
    """Change `after` which job, or not before which moment (`not_before`), a job may start; None: whenever.

    Raises UsageError `after-cycle` where it would wait for itself, `job-not-found` for one that it cannot wait for.
    """
    with _change(store, number, _EDITABLE) as (connection, _):
        check_after(connection, number, start.get("after"))
        _set(connection, number, **start)
    return store.job(number)


def check_after(connection: Connection, number: int, after: int | None) -> None:
    """Raise UsageError `after-cycle` where a job would wait for itself, `job-not-found` for one that is not there."""
    query = """WITH RECURSIVE chain (id) AS (
            SELECT id FROM jobs WHERE id = ?
            UNION SELECT jobs.after FROM jobs JOIN chain ON jobs.id = chain.id WHERE jobs.after IS NOT NULL)
        SELECT id FROM chain"""
    chain = [row[0] for row in connection.execute(query, (after,))]
    if after is not None and not chain:
        raise UsageError("job-not-found", f"there is no job {after}", "skyreels queue list")
    if number in chain:
        circle = [number, *chain[: chain.index(number) + 1]]
        message = f"job {number} would wait for itself: {' after '.join(map(str, circle))}"
        raise UsageError("after-cycle", message, f"skyreels queue edit {circle[-2]} --no-after")


def set_priority(store: Store, number: int, priority: int) -> Job:
    """Higher goes first; 0 is usual. A job that runs is not interrupted."""
    with _change(store, number, ("running", *WAITING)) as (connection, _):
        _set(connection, number, priority=priority)
    return store.job(number)


def move(store: Store, number: int, rank: int | None) -> Job:
    """Put a waiting job at a rank of the waiting list, 1 being the next to run and None the last.

    The list is sorted by priority first, so the job takes on the nearest priority that goes with the place.
    """
    with _change(store, number, WAITING) as (connection, job):
        before, after = _neighbours(connection, number, rank)
        if before and after and before["priority"] == after["priority"]:
            priority, position = before["priority"], (before["position"] + after["position"]) / 2
            if position in (before["position"], after["position"]):
                _number_anew(connection)
                before, after = _neighbours(connection, number, rank)
                position = (before["position"] + after["position"]) / 2
        else:
            priority = job.priority
            priority = max(priority, after["priority"]) if after else priority
            priority = min(priority, before["priority"]) if before else priority
            position = _edge(job, priority, before, after)
        _set(connection, number, priority=priority, position=position)
    return store.job(number)


def remove(store: Store, numbers: Sequence[int]) -> int:
    """Forget jobs that do not run, with their logs and assets; finished films and history stay. Returns how many."""
    for number in numbers:
        _require(store.job(number), (*WAITING, *FINISHED))
    return _forget(store, f"id IN ({', '.join('?' * len(numbers))}) AND state <> 'running'", *numbers)


def clear(store: Store, states: Sequence[JobState]) -> int:
    """Forget all jobs in these states, of which `running` may not be one."""
    return _forget(store, f"state IN ({', '.join('?' * len(states))}) AND state <> 'running'", *states)


def stop_workers(store: Store) -> int:
    """Ask every living worker to save its film, put its job back and leave; returns how many there are."""
    living = [worker.id for worker in store.workers() if worker.alive]
    with store.database.write() as connection:
        for worker in living:
            connection.execute("UPDATE workers SET asked_to_stop = 1 WHERE id = ?", (worker,))
    return len(living)


def pause_all(store: Store) -> None:
    """Let no job start; those that run save a checkpoint, free their devices and wait in their old places."""
    _set_paused(store, 1)
    reap(store)
    _stop_elsewhere(store.jobs(["queued"]))


def resume_all(store: Store) -> None:
    """Let jobs start again."""
    _set_paused(store, 0)


@contextmanager
def _change(store: Store, number: int, states: Sequence[JobState]) -> Iterator[tuple[Connection, Job]]:
    """A transaction in which the job is in one of the states; jobs of dead workers are put back before."""
    reap(store)
    with store.database.write() as connection:
        job = store.job(number)
        _require(job, states)
        yield connection, job


def _require(job: Job, states: Sequence[JobState]) -> None:
    if job.state not in states:
        hints: dict[JobState, str] = {
            "running": f"skyreels queue cancel {job.id}",
            "succeeded": f"skyreels queue show {job.id}",
            "failed": f"skyreels queue retry {job.id}",
            "cancelled": f"skyreels queue retry {job.id}",
        }
        wanted = " or ".join(states)
        hint = hints.get(job.state, "skyreels queue list")
        raise UsageError("job-state", f"job {job.id} is {job.state}; this is for jobs that are {wanted}", hint)


def _set(connection: Connection, number: int, **columns: Any) -> None:
    settings = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(f"UPDATE jobs SET {settings} WHERE id = ?", (*columns.values(), number))


def _set_paused(store: Store, paused: int) -> None:
    with store.database.write() as connection:
        connection.execute("UPDATE facts SET value = ? WHERE name = 'paused'", (paused,))


def _neighbours(connection: Connection, number: int, rank: int | None) -> tuple[Any, Any]:
    """The waiting jobs between which a rank lies, the job itself left out."""
    others = f"SELECT priority, position FROM jobs WHERE {_OPEN} AND id <> ? ORDER BY priority DESC, position, id"
    count = connection.execute(f"SELECT count(*) FROM jobs WHERE {_OPEN} AND id <> ?", (number,)).fetchone()[0]
    above = count if rank is None else min(max(rank, 1) - 1, count)
    near = connection.execute(f"{others} LIMIT 2 OFFSET ?", (number, max(above - 1, 0))).fetchall()
    before = near[0] if above > 0 else None
    after = near[1 if above > 0 else 0] if above < count else None
    return before, after


def _edge(job: Job, priority: int, before: Any, after: Any) -> float:
    """A position at the end, or the beginning, of those of a priority."""
    if before and before["priority"] == priority:
        return float(before["position"]) + 1
    if after and after["priority"] == priority:
        return float(after["position"]) - 1
    return job.position


def _number_anew(connection: Connection) -> None:
    """Positions 1, 2, 3 … in the order that is; halving has used up the digits (after 50 moves to one spot)."""
    connection.execute(
        """UPDATE jobs SET position = ranked.rank FROM
            (SELECT id, row_number() OVER (ORDER BY position, id) AS rank FROM jobs) AS ranked
        WHERE ranked.id = jobs.id"""
    )


def _forget(store: Store, condition: str, *values: Any) -> int:
    with store.database.write() as connection:
        rows = connection.execute(f"SELECT {SUMMARY_COLUMNS} FROM jobs WHERE {condition}", values)
        jobs = [JobSummary(*row) for row in rows]
        connection.execute(f"DELETE FROM jobs WHERE {condition}", values)
        drafts = (json.loads(row[0]) for row in connection.execute("SELECT draft FROM jobs"))
        store.assets.remove_unused(drafts)
    _stop_elsewhere(jobs)
    for job in jobs:
        _delete_logs(store.log(job.id))
    return len(jobs)


def _stop_elsewhere(jobs: Iterable[JobSummary]) -> None:
    """Ask what a dead worker has left of jobs on other machines to save a checkpoint and stop."""
    for job in jobs:
        if job.started_at and job.state not in ("running", "succeeded"):
            stop_left(Path(job.output), job.id)


def _delete_logs(log: Path) -> None:
    for part in log.parent.glob(f"{log.name}*"):
        with suppress(OSError):
            part.unlink()
