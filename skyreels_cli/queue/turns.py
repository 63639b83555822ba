"""In which order the queued jobs will be taken, and why a job has another turn than its place says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from sqlite3 import Row
from typing import TypeAlias

from skyreels_cli.queue.job import WorkerInfo
from skyreels_cli.queue.leases import DUE, LONGEST_DELAY
from skyreels_cli.queue.store import Store

# So many turns ahead are worked out; nobody plans further, and with 1000 queued jobs it takes 4 ms.
TURNS = 500

Places: TypeAlias = dict[str, deque[tuple[int, int]]]
"""By `model_key`, the jobs that wait: each its place, and its number."""


@dataclass(frozen=True)
class Turns:
    """The next jobs in their order, and by job why it is earlier or later than its place."""

    order: tuple[int, ...] = ()
    why: tuple[tuple[int, str], ...] = ()


def next_turns(store: Store, workers: Sequence[WorkerInfo]) -> Turns:
    """Play what the workers would do if each took a job in turn: the rule of `leases.claim`, a model that stays loaded.

    Jobs that are not due yet come behind the others.
    """
    query = f"""SELECT id, priority, model_key, {DUE} AS due, after, not_before, (SELECT state FROM jobs AS earlier
            WHERE earlier.id = jobs.after) AS earlier FROM jobs
        WHERE state = 'queued' ORDER BY priority DESC, position, id LIMIT :most"""
    rows = store.database.rows(query, now=store.now(), longest=LONGEST_DELAY, most=TURNS)
    due, later = [row for row in rows if row["due"]], [row for row in rows if not row["due"]]
    order, why = [], [(row["id"], _reason(row)) for row in later]
    for number, passed in _played(due, workers):
        order.append(number)
        if passed:
            why.append((number, f"its model is loaded: before {passed} other{'s' if passed > 1 else ''}"))
    return Turns((*order, *(row["id"] for row in later)), tuple(why))


def _reason(row: Row) -> str:
    if row["after"] and row["earlier"] != "succeeded":
        return f"after job {row['after']}, which is {row['earlier']}"
    return "not yet due"


def _played(due: Sequence[Row], workers: Sequence[WorkerInfo]) -> Iterator[tuple[int, int]]:
    """Jobs in their turn, each with how many others it passes by."""
    minds = [Mind.of(worker) for worker in workers] or [Mind(None, 0, 0)]
    turn = 0
    for _, group in groupby(due, key=lambda row: row["priority"]):
        places: Places = {}
        for place, row in enumerate(group):
            places.setdefault(row["model_key"], deque()).append((place, row["id"]))
        while any(places.values()):
            yield minds[turn % len(minds)].take(places)
            turn += 1


@dataclass
class Mind:
    """What a worker has in mind: the model that is loaded, and its patience with those who wait for another."""

    warm: str | None
    patience: int
    most: int

    @classmethod
    def of(cls, worker: WorkerInfo) -> Mind:
        """As the worker's last heartbeat told."""
        sample = worker.sample
        return cls(sample.get("warm"), sample.get("patience", 0), sample.get("most_patience", 0))

    def take(self, places: Places) -> tuple[int, int]:
        """The job that it takes, and how many that wait longer it passes by."""
        waiting = [jobs for jobs in places.values() if jobs]
        first = min(jobs[0][0] for jobs in waiting)
        warm = places.get(self.warm or "") if self.patience else None
        key = self.warm if warm else next(key for key, jobs in places.items() if jobs and jobs[0][0] == first)
        place, number = places[str(key)].popleft()
        passed = sum(1 for jobs in waiting for _ in takewhile(lambda job: job[0] < place, jobs))
        self.warm, self.patience = key, self.patience - 1 if passed else self.most
        return number, passed
