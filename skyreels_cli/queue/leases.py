"""What workers do to jobs. Every write names its owner, so that one who has lost a job changes nothing.

A worker's row in `workers` is its lease over the jobs it runs; `beat` renews it. Jobs of a worker whose process is gone, or
whose lease ran out, are put back by `reap`, which whoever wants the next job calls. Nothing is put back by opening the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from sqlite3 import Connection
from typing import Any

from skyreels_cli.queue.job import Job, State
from skyreels_cli.queue.owner import Owner, is_stale, this_process
from skyreels_cli.queue.store import Film, Store, one_output_each, wording

LEASE_SECONDS = 30.0
# A retry is never put off for longer; one that seems to be means that the clock was set back.
LONGEST_DELAY = 300.0

_LOST = json.dumps(
    {
        "code": "worker-lost",
        "message": "the worker vanished several times before this job got any further",
        "hint": "skyreels queue logs ID, then skyreels queue retry ID",
        "exit_code": 1,
    }
)


@dataclass(frozen=True)
class Orders:
    """What a worker learns when it gives a sign of life.

    `lost`: its lease ran out and somebody else may have its job; `request`: what its job's owner wants, `cancel` or
    `pause`; `paused`: the whole queue is to stand still.
    """

    lost: bool = False
    request: str | None = None
    paused: bool = False


def register(store: Store, device: str, executor: str = "local", lease_seconds: float = LEASE_SECONDS) -> Owner:
    """Enter this process as a worker, under a new id."""
    owner = this_process()
    values = {
        **asdict(owner),
        "device": device,
        "executor": executor,
        "started_at": store.now(),
        "beat_at": store.now(),
        "beat_uptime": store.up(),
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
    """Put back the jobs of workers that are gone; what was asked of such a job (cancel, pause) is done instead."""
    stale = [worker for worker in store.database.rows("SELECT * FROM workers") if is_stale(worker, store.up())]
    if not stale:
        return
    same = "SELECT 1 FROM workers WHERE id = ? AND beat_uptime = ?"
    with store.database.write() as connection:
        for worker in stale:
            if connection.execute(same, (worker["id"], worker["beat_uptime"])).fetchone():
                _let_go(connection, worker["id"], store.now())


def claim(store: Store, owner: Owner, warm: str | None = None) -> tuple[Job, bool] | None:
    """Take the next job; among equal priorities one of the model `warm` (a `model_key`) goes first, if given.

    Returns the job and whether it passed another one by; None if the queue is empty, paused or not due yet.
    """
    if not store.database.rows("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1"):
        return None
    due = "(retry_at IS NULL OR retry_at <= :now OR retry_at > :now + :longest)"
    order = "priority DESC, model_key <> :warm, position, id" if warm else "priority DESC, position, id"
    take = f"""
        UPDATE jobs SET state = 'running', owner = :owner, attempts = attempts + 1, retry_at = NULL, request = NULL,
            started_at = coalesce(started_at, :now)
        WHERE id = (SELECT id FROM jobs WHERE state = 'queued' AND {due} ORDER BY {order} LIMIT 1)
            AND NOT (SELECT value FROM facts WHERE name = 'paused')
            AND EXISTS (SELECT 1 FROM workers WHERE id = :owner)
        RETURNING id, priority, position"""
    passed = f"""SELECT 1 FROM jobs WHERE state = 'queued' AND priority = :priority AND position < :position
            AND {due} LIMIT 1"""
    with store.database.write() as connection:
        values = {"owner": owner.id, "now": store.now(), "longest": LONGEST_DELAY, "warm": warm}
        taken = connection.execute(take, values).fetchone()
        if not taken:
            return None
        passed_by = connection.execute(passed, values | dict(taken)).fetchone() is not None
    return store.job(taken["id"]), passed_by


def beat(store: Store, owner: Owner, sample: Mapping[str, Any], job: int = 0, progress: Mapping[str, Any] | None = None) -> Orders:
    """Renew the lease and say how the job is going; a film that has got further starts to count its attempts anew."""
    rows = (progress or {}).get("rows_done", 0)
    with store.database.write() as connection:
        renewed = connection.execute(
            "UPDATE workers SET beat_at = ?, beat_uptime = ?, sample = ? WHERE id = ?",
            (store.now(), store.up(), json.dumps(sample), owner.id),
        )
        request = connection.execute(
            """UPDATE jobs SET progress = ?, rows_done = ?1, attempts = iif(?1 > best_rows, 1, attempts),
                best_rows = max(?1, best_rows) WHERE id = ? AND owner = ? RETURNING request""",
            (rows, json.dumps(progress), job, owner.id),
        ).fetchone() if job else None
        paused = connection.execute("SELECT value FROM facts WHERE name = 'paused'").fetchone()[0]
    lost = renewed.rowcount == 0 or (job > 0 and request is None)
    return Orders(lost, request["request"] if request else None, bool(paused))
