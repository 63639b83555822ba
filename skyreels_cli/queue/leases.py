"""How workers take, hold and give back jobs. A write changes only jobs that the writing worker still holds.

A worker's row in `workers` is its lease on the jobs it runs; `heartbeat` renews it. Jobs of a worker whose process is
gone, or whose lease ran out, are put back by `reap`, which workers call before they take a job. Opening the store puts
nothing back.

`succeed`, `fail`, `put_back`, `release` and `degrade` return the job's new state, None if the worker has lost the job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeAlias

from skyreels_cli.queue.batch.folder import stop_left
from skyreels_cli.queue.job import WAITING, Job, JobState, model_key
from skyreels_cli.queue.owner import Owner, is_stale, this_process
from skyreels_cli.queue.store import FinishedFilm, Store

ProgressRecord: TypeAlias = Mapping[str, Any] | None
"""`Progress.to_dict()`; None while the renderer has not said anything yet."""

LEASE_SECONDS = 30.0
# A retry is never put off for longer; one that seems to be means that the clock was set back.
LONGEST_DELAY = 300.0
# A job that takes its worker along (by exhausting the host's memory) must not do so for ever.
MOST_LOSSES = 10

_ASKED: dict[str | None, JobState] = {"cancel": "cancelled", "pause": "paused", None: "queued"}
_LOST = json.dumps(
    {
        "code": "worker-lost",
        "message": "the worker vanished 10 times before this job got any further",
        "hint": "skyreels queue logs ID, then skyreels queue retry ID",
        "exit_code": 1,
    }
)


DUE = """(retry_at IS NULL OR retry_at <= :now OR retry_at > :now + :longest)
    AND (not_before IS NULL OR not_before <= :now)
    AND (after IS NULL OR (SELECT earlier.state FROM jobs AS earlier WHERE earlier.id = jobs.after) = 'succeeded')"""
"""Whether a queued job may start now."""


@dataclass(frozen=True)
class HeartbeatReply:
    """The answer to a heartbeat.

    `lost`: the lease ran out and another worker may have the job; `request`: `cancel` or `pause` if a person has asked
    for that; `paused`: the whole queue is paused; `stop`: the worker is to leave.
    """

    lost: bool = False
    request: str | None = None
    paused: bool = False
    stop: bool = False


def register(store: Store, device: str, executor: str = "local", lease_seconds: float = LEASE_SECONDS) -> Owner:
    """Register this process as a worker, under a new id."""
    owner = this_process()
    values = {
        **asdict(owner),
        "device": device,
        "executor": executor,
        "started_at": store.now(),
        "heartbeat_at": store.now(),
        "heartbeat_uptime": store.up(),
        "lease_seconds": lease_seconds,
    }
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    with store.database.write() as connection:
        connection.execute(f"INSERT INTO workers ({names}) VALUES ({marks})", tuple(values.values()))
    return owner


def retire(store: Store, owner: Owner) -> None:
    """Sign off; a job that is still held goes back."""
    with store.database.write() as connection:
        _let_go(connection, owner.id, store.now())


def reap(store: Store) -> None:
    """Put back the jobs of workers that are gone; what was asked of such a job (cancel, pause) is done instead.

    A job that is not to go on, but may on another machine, is asked to stop.
    """
    stale = [worker for worker in store.database.rows("SELECT * FROM workers") if is_stale(worker, store.up())]
    if not stale:
        return
    same = "SELECT 1 FROM workers WHERE id = ? AND heartbeat_uptime = ?"
    left: list[tuple[str, int]] = []
    with store.database.write() as connection:
        for worker in stale:
            if connection.execute(same, (worker["id"], worker["heartbeat_uptime"])).fetchone():
                left += _let_go(connection, worker["id"], store.now())
    for output, job in left:
        stop_left(Path(output), job)


def claim(store: Store, owner: Owner, warm: str | None = None) -> tuple[Job, bool] | None:
    """Take the next job; among equal priorities one of the model `warm` (a `model_key`) goes first, if given.

    Returns the job and whether it passed another one by; None if the queue is empty, paused or not due yet.
    """
    if not store.database.rows("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1"):
        return None
    due = DUE
    order = "priority DESC, model_key <> :warm, position, id" if warm else "priority DESC, position, id"
    take = f"""
        UPDATE jobs SET state = 'running', owner = :owner, attempts = attempts + 1, retry_at = NULL, request = NULL,
            started_at = coalesce(started_at, :now)
        WHERE id = (SELECT id FROM jobs WHERE state = 'queued' AND {due} ORDER BY {order} LIMIT 1)
            AND NOT (SELECT value FROM facts WHERE name = 'paused')
            AND EXISTS (SELECT 1 FROM workers WHERE id = :owner)
        RETURNING *"""
    passed = f"""SELECT 1 FROM jobs WHERE state = 'queued' AND priority = :priority AND position < :position
            AND {due} LIMIT 1"""
    with store.database.write() as connection:
        values = {"owner": owner.id, "now": store.now(), "longest": LONGEST_DELAY, "warm": warm}
        taken = connection.execute(take, values).fetchone()
        if not taken:
            return None
        place = {"priority": taken["priority"], "position": taken["position"]}
        passed_by = connection.execute(passed, values | place).fetchone() is not None
        job = Job.of(taken)
    return job, passed_by


def heartbeat(
    store: Store, owner: Owner, sample: Mapping[str, Any], job: int = 0, progress: ProgressRecord = None
) -> HeartbeatReply:
    """Renew the lease and say how the job is going; a film that has got further starts to count its attempts anew."""
    values = {"owner": owner.id, "job": job, "sample": json.dumps(sample), "now": store.now(), "up": store.up()}
    with store.database.write() as connection:
        renewed = connection.execute(
            """UPDATE workers SET heartbeat_at = :now, heartbeat_uptime = :up, sample = :sample WHERE id = :owner
            RETURNING asked_to_stop""",
            values,
        ).fetchone()
        request = _advance(connection, values, progress) if job else None
        paused = connection.execute("SELECT value FROM facts WHERE name = 'paused'").fetchone()[0]
    lost = renewed is None or (job > 0 and request is None)
    stop = renewed is not None and bool(renewed["asked_to_stop"])
    return HeartbeatReply(lost, request["request"] if request else None, bool(paused), stop)


def is_asked_to_stop(store: Store, owner: Owner) -> bool:
    """Whether a person wants this worker to leave."""
    return bool(store.database.rows("SELECT 1 FROM workers WHERE id = ? AND asked_to_stop", owner.id))


def begin(store: Store, owner: Owner, job: Job) -> None:
    """Keep the plan of a job that has begun, and which jobs share its model from now on."""
    key = model_key(job.current_recipe, job.placement)
    columns = {"plan": json.dumps(job.plan), "total_steps": job.plan["total_rows"], "model_key": key}
    with store.database.write() as connection:
        _update(connection, owner, job.id, columns)


def note_output(store: Store, owner: Owner, job: int, output_before: str) -> None:
    """Keep the `file_mark` of what had the film's name before the job first began."""
    with store.database.write() as connection:
        _update(connection, owner, job, {"output_before": output_before})


def succeed(
    store: Store, owner: Owner, job: int, progress: ProgressRecord, result: Mapping[str, Any], film: FinishedFilm
) -> JobState | None:
    """Record that the film is finished, in the job and in the history."""
    end = {"result": json.dumps(result), "error": None, "error_code": None}
    with store.database.write() as connection:
        state = _leave(connection, store, owner, job, "succeeded", progress, **end)
        if state:
            names, marks = ", ".join(asdict(film)), ", ".join("?" * len(asdict(film)))
            connection.execute(f"INSERT INTO films ({names}) VALUES ({marks})", tuple(asdict(film).values()))
    return state


def fail(store: Store, owner: Owner, job: int, progress: ProgressRecord, error: Mapping[str, Any]) -> JobState | None:
    """Record that the job has failed; only `retry` starts it again."""
    with store.database.write() as connection:
        return _leave(connection, store, owner, job, "failed", progress, **_error(error))


def put_back(
    store: Store,
    owner: Owner,
    job: int,
    progress: ProgressRecord,
    error: Mapping[str, Any],
    delay: float,
    *,
    counts: bool,
) -> JobState | None:
    """Put the job back, to be tried again in `delay` seconds at the earliest; `counts`: whether this attempt counts."""
    again = {"retry_at": store.now() + min(delay, LONGEST_DELAY) if delay else None, **_error(error)}
    with store.database.write() as connection:
        if not counts:
            _take_back_attempt(connection, owner, job)
        return _leave(connection, store, owner, job, "queued", progress, **again)


def release(store: Store, owner: Owner, job: int, progress: ProgressRecord) -> JobState | None:
    """Put back a job that was stopped on request; the attempt does not count."""
    with store.database.write() as connection:
        _advance(connection, {"job": job, "owner": owner.id}, progress)
        _take_back_attempt(connection, owner, job)
        return _leave(connection, store, owner, job, "queued", None)


def degrade(store: Store, owner: Owner, job: Job, progress: ProgressRecord, step: Mapping[str, Any]) -> JobState | None:
    """Put the job back, changed by a `step` of `degrade.next_step` to need less memory."""
    changed = {
        "overrides": json.dumps({**job.overrides, **step["change"]}),
        "degradations": json.dumps([*job.degradations, step]),
        "reworded": True,
        "attempts": 0,
        "losses": 0,
        "best_steps": 0,
    }
    with store.database.write() as connection:
        return _leave(connection, store, owner, job.id, "queued", progress, **changed)


def _advance(connection: Connection, values: dict[str, Any], progress: ProgressRecord) -> Any:
    """Note how far a film is; None leaves that as it was. Returns the row's `request`, None if it is not ours."""
    advance = """
        UPDATE jobs SET progress = coalesce(:progress, progress), steps_done = coalesce(:steps, steps_done),
            attempts = iif(:steps > best_steps, 1, attempts), losses = iif(:steps > best_steps, 0, losses),
            best_steps = max(coalesce(:steps, 0), best_steps)
        WHERE id = :job AND owner = :owner AND state = 'running' RETURNING request"""
    reached = {
        "progress": json.dumps(progress) if progress else None,
        "steps": progress["steps_done"] if progress else None,
    }
    return connection.execute(advance, values | reached).fetchone()


def _leave(
    connection: Connection,
    store: Store,
    owner: Owner,
    job: int,
    state: JobState,
    progress: ProgressRecord,
    **columns: Any,
) -> JobState | None:
    """Let go of a job in a new state; instead of being queued again it is cancelled or paused if that was asked."""
    held = _advance(connection, {"job": job, "owner": owner.id}, progress)
    if held is None:
        return None
    if state == "queued":
        state = _ASKED[held["request"]]
    over = {} if state in WAITING else {"finished_at": store.now()}
    _update(connection, owner, job, {**columns, **over, "state": state, "owner": None, "request": None})
    return state


def _update(connection: Connection, owner: Owner, job: int, columns: Mapping[str, Any]) -> None:
    settings = ", ".join(f"{name} = ?" for name in columns)
    where = "id = ? AND owner = ? AND state = 'running'"
    connection.execute(f"UPDATE jobs SET {settings} WHERE {where}", (*columns.values(), job, owner.id))


def _let_go(connection: Connection, worker: str, now: float) -> list[tuple[str, int]]:
    """Put a worker's jobs back and forget it; what ended the worker (a power cut) costs none of their attempts.

    Returns output and number of those that are not to go on.
    """
    put_back = """
        UPDATE jobs SET owner = NULL, request = NULL, attempts = max(0, attempts - 1), losses = losses + 1,
            state = CASE WHEN request = 'cancel' THEN 'cancelled' WHEN request = 'pause' THEN 'paused'
                WHEN losses + 1 >= :most THEN 'failed' ELSE 'queued' END,
            error = iif(request IS NULL AND losses + 1 >= :most, :lost, error),
            error_code = iif(request IS NULL AND losses + 1 >= :most, 'worker-lost', error_code),
            finished_at = iif(request = 'cancel' OR (request IS NULL AND losses + 1 >= :most), :now, NULL)
        WHERE owner = :worker AND state = 'running' RETURNING state, output, id"""
    values = {"worker": worker, "lost": _LOST, "now": now, "most": MOST_LOSSES}
    held = connection.execute(put_back, values).fetchall()
    connection.execute("DELETE FROM workers WHERE id = ?", (worker,))
    return [(job["output"], job["id"]) for job in held if job["state"] != "queued"]


def _take_back_attempt(connection: Connection, owner: Owner, job: int) -> None:
    where = "id = ? AND owner = ?"
    connection.execute(f"UPDATE jobs SET attempts = max(0, attempts - 1) WHERE {where}", (job, owner.id))


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": json.dumps(error), "error_code": error["code"]}
