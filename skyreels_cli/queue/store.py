"""The queue on disk: everything that reads it, and what adds jobs to it.

For a dashboard, or any other reader:

* One `Store` per thread (SQLite's rule). Opening creates what is missing and resets nothing. Every method may raise
  `RetryableError("queue-busy")`, and SkyreelsError for a disk or a file gone bad; `store.database.replaced()` tells
  that the file has been deleted or exchanged, so that it must be opened again.
* To notice change, poll `store.database.data_version()`: it costs microseconds and changes with every commit of
  another connection.
* `jobs()` reads a list, filtered, sorted and cut by SQLite, without parsing any JSON: of 10,000 jobs a page of 100
  takes about 20 ms, all of them 130 ms. `changes(since)` reads only what changed after a revision, and tells of
  removals: with nothing new 0.02 ms.
* `job(id)` reads one job whole, `progress` and plan included; `workers()` lists workers
  and what their devices do; `history()` and `pace()` are this machine's own record.
* What changes jobs is in `queue.actions` (for people) and `queue.leases` (for workers).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from sqlite3 import Connection, IntegrityError, Row
from typing import Any, Literal
from uuid import uuid4

from skyreels_cli.errors import UsageError
from skyreels_cli.queue.assets import Assets
from skyreels_cli.queue.database import Database
from skyreels_cli.queue.job import SUMMARY_COLUMNS, Job, JobState, JobSummary, NewJob, WorkerInfo, model_key
from skyreels_cli.queue.owner import is_stale, uptime

Sort = Literal["queue", "id", "prompt", "model", "frames", "created", "finished"]

ORDER_BY: dict[Sort, str] = {
    # What runs, what comes next, then what ended last.
    "queue": "state <> 'running', finished_at IS NOT NULL, finished_at DESC, priority DESC, position, id",
    "id": "id",
    "prompt": "prompt COLLATE NOCASE, id",
    "model": "model COLLATE NOCASE, id",
    "frames": "num_frames, id",
    "created": "created_at, id",
    "finished": "finished_at IS NULL, finished_at, id",
}


@dataclass(frozen=True)
class Changes:
    """What is new since a revision; where `removals` has grown, only a full list says which jobs are left."""

    revision: int
    removals: int
    jobs: list[JobSummary]


@dataclass(frozen=True)
class FinishedFilm:
    """A line of the history: a film that was finished on this machine; it outlives its job."""

    job: int
    finished_at: float
    prompt: str
    output: str
    model: str
    dtype: str
    resolution: str
    frames: int
    steps: int
    device: str
    offload: str
    step_seconds: float | None
    flops_per_second: float | None
    elapsed_s: float
    peak_memory_bytes: int


class Store:
    """The queue in a folder: `queue.db`, `assets/`, `logs/`. `now` is the wall clock, in seconds since 1970."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time, up: Callable[[], float] = uptime) -> None:
        self.folder = folder
        self.now = now
        self.up = up
        self.assets = Assets(folder / "assets")
        self.database = Database(folder / "queue.db")

    def log(self, job: int) -> Path:
        """Where a job's log is; older parts are beside it as `.1`, `.2` …"""
        return self.folder / "logs" / f"{job}.log"

    def job(self, number: int) -> Job:
        """One job whole, or UsageError `job-not-found`."""
        found = self.database.rows("SELECT * FROM jobs WHERE id = ?", number)
        if not found:
            raise UsageError("job-not-found", f"there is no job {number}", "skyreels queue list")
        return Job.of(found[0])

    def jobs(
        self,
        states: Iterable[JobState] | None = None,
        text: str | None = None,
        sort: Sort = "queue",
        descending: bool = False,
        limit: int = -1,
        offset: int = 0,
        first: Sequence[int] = (),
    ) -> list[JobSummary]:
        """Jobs in these states whose prompt, model or output contains `text`, or whose id it is.

        In the order `queue` the waiting jobs `first` (`queue.turns`) come before the other waiting ones.
        """
        where, values = _filter(states, text)
        order = ORDER_BY[sort]
        places = f"(SELECT value AS turn, key AS place FROM json_each('{json.dumps(list(first))}'))" if first else ""
        if places and sort == "queue":
            order = order.replace("priority DESC", "place IS NULL, place, priority DESC")
        order = _reversed(order) if descending else order
        join = f"LEFT JOIN {places} ON turn = id" if places else ""
        query = f"SELECT {SUMMARY_COLUMNS} FROM jobs {join} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        return [JobSummary(*row) for row in self.database.rows(query, *values, limit, offset)]

    def count(self, states: Iterable[JobState] | None = None, text: str | None = None) -> int:
        """How many jobs `jobs` would list."""
        where, values = _filter(states, text)
        return int(self.database.rows(f"SELECT count(*) FROM jobs WHERE {where}", *values)[0][0])

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state that has any."""
        return {row[0]: row[1] for row in self.database.rows("SELECT state, count(*) FROM jobs GROUP BY state")}

    def rank(self, number: int) -> int:
        """The place of a job among those that wait, from 1; counted by SQLite, for reading 10,000 jobs takes 60 ms."""
        query = """SELECT count(*) FROM jobs AS other, jobs AS this
            WHERE this.id = ? AND other.state IN ('queued', 'paused')
            AND (-other.priority, other.position, other.id) <= (-this.priority, this.position, this.id)"""
        return int(self.database.rows(query, number)[0][0])

    def planned_seconds(self) -> float:
        """Seconds that the plans of all queued jobs add up to; of 10,000 jobs in 150 ms."""
        query = "SELECT total(json_extract(plan, '$.estimates.time.value')) FROM jobs WHERE state = 'queued'"
        return float(self.database.rows(query)[0][0])

    def startable(self) -> int:
        """How many queued jobs will start by themselves, now or later: no predecessor has failed or was set aside."""
        query = """WITH RECURSIVE blocked (id) AS (
                SELECT job.id FROM jobs AS job JOIN jobs AS earlier ON earlier.id = job.after
                    WHERE job.state = 'queued' AND earlier.state IN ('failed', 'cancelled', 'paused')
                UNION SELECT job.id FROM jobs AS job JOIN blocked ON job.after = blocked.id WHERE job.state = 'queued')
            SELECT count(*) FROM jobs WHERE state = 'queued' AND id NOT IN (SELECT id FROM blocked)"""
        return int(self.database.rows(query)[0][0])

    def changes(self, since: int) -> Changes:
        """Jobs that were added or changed after revision `since`, and the revision to ask with next time."""
        facts = self._facts()
        query = f"SELECT {SUMMARY_COLUMNS} FROM jobs WHERE revision > ? ORDER BY revision"
        jobs = [JobSummary(*row) for row in self.database.rows(query, since)]
        revision = max([facts["revision"], *(job.revision for job in jobs)])
        return Changes(revision, facts["removals"], jobs)

    def next_recipes(self, key: str, limit: int) -> list[dict[str, Any]]:
        """Recipes of the next queued jobs with this `model_key`."""
        query = """SELECT recipe FROM jobs WHERE state = 'queued' AND model_key = ?
            ORDER BY priority DESC, position, id LIMIT ?"""
        return [json.loads(row[0]) for row in self.database.rows(query, key, limit)]

    @property
    def paused(self) -> bool:
        """Whether the whole queue is paused."""
        return bool(self._facts()["paused"])

    def workers(self) -> list[WorkerInfo]:
        """All registered workers, also those that have died without signing off."""
        query = """SELECT workers.*, jobs.id AS job FROM workers
            LEFT JOIN jobs ON jobs.owner = workers.id AND jobs.state = 'running' ORDER BY workers.started_at"""
        return [_worker(row, alive=not is_stale(row, self.up())) for row in self.database.rows(query)]

    def history(self, limit: int = 100, model: str | None = None) -> list[FinishedFilm]:
        """Finished films, newest first."""
        names = ", ".join(field.name for field in fields(FinishedFilm))
        query = f"SELECT {names} FROM films WHERE ?1 IS NULL OR model = ?1 ORDER BY finished_at DESC LIMIT ?2"
        return [FinishedFilm(*row) for row in self.database.rows(query, model, limit)]

    def outputs(self) -> list[str]:
        """Where the films of all jobs lie, or will, and those of jobs that are gone."""
        return [row[0] for row in self.database.rows("SELECT output FROM jobs UNION SELECT output FROM films")]

    def group(self, number: int, states: Sequence[JobState]) -> list[int]:
        """The ids of a group's jobs in these states; UsageError `group-not-found`, or `job-state` if there are none."""
        found = self.database.rows("SELECT id, state FROM jobs WHERE group_id = ? ORDER BY id", number)
        if not found:
            raise UsageError("group-not-found", f"there is no group {number}", "skyreels queue list")
        numbers = [row["id"] for row in found if row["state"] in states]
        if not numbers:
            message = f"no job of group {number} is {' or '.join(states)}"
            raise UsageError("job-state", message, "skyreels queue list")
        return numbers

    def add(self, new: NewJob) -> Job:
        """Append a job to the queue, its assets copied in.

        Raises UsageError `output-queued` if another job writes there, `job-not-found` for one that it cannot wait for.
        """
        return self.add_together([new])[0]

    def add_together(self, jobs: Sequence[NewJob]) -> list[Job]:
        """Append jobs to the queue, all of them or none; several are a group. Raises what `add` does."""
        for new in jobs:
            if new.after is not None:
                self.job(new.after)
        taken_in = [self.take_in(new) for new in jobs]
        numbers: list[int] = []
        with self.database.write() as connection:
            for new, draft in taken_in:
                output = unused_output(connection, new.output) if new.output_is_default else new.output
                numbers.append(self.insert(connection, new, draft, output))
            if len(numbers) > 1:  # ids grow, and nobody else writes meanwhile
                connection.execute("UPDATE jobs SET group_id = ?1 WHERE id >= ?1", (numbers[0],))
        return [self.job(number) for number in numbers]

    def take_in(self, new: NewJob) -> tuple[NewJob, dict[str, Any]]:
        """Copy a job's assets in; returns it with a recipe that names the copies, and its draft as it is stored."""
        return replace(new, recipe=self.assets.take_in(new.recipe)), self.assets.take_in(new.draft)

    def insert(
        self,
        connection: Connection,
        new: NewJob,
        draft: dict[str, Any],
        output: Path,
        past: Mapping[str, Any] | None = None,
    ) -> int:
        """Write a job at the end of the queue, inside a transaction; returns its id.

        The draft's assets must be in the store; `past` are columns of a job that comes from another queue.
        """
        placement = new.placement or {}
        values = {
            "uid": uuid4().hex,
            "state": new.state,
            "priority": new.priority,
            "position": connection.execute("SELECT coalesce(max(position), 0) + 1 FROM jobs").fetchone()[0],
            "draft": json.dumps(draft),
            "placement": json.dumps(placement),
            "output": str(output),
            "overwrite": new.overwrite,
            "keep_work": new.keep_work,
            "degrade": new.degrade,
            "max_attempts": new.max_attempts,
            "after": new.after,
            "not_before": new.not_before,
            "created_at": self.now(),
            **wording(new.recipe, new.plan, placement),
            **{name: json.dumps(value) if isinstance(value, dict) else value for name, value in (past or {}).items()},
        }
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with one_output_each(output):
            done = connection.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(values.values()))
        return int(done.lastrowid or 0)

    def _facts(self) -> dict[str, int]:
        return {row[0]: row[1] for row in self.database.rows("SELECT name, value FROM facts")}


def wording(recipe: dict[str, Any], plan: dict[str, Any], placement: dict[str, Any]) -> dict[str, Any]:
    """Columns that are derived from recipe, plan and placement: for lists, and to know which jobs share a model."""
    return {
        **{name: recipe[name] for name in ("prompt", "model", "resolution", "num_frames")},
        "recipe": json.dumps(recipe),
        "plan": json.dumps(plan),
        "total_steps": plan["total_rows"],
        "model_key": model_key(recipe, placement),
    }


@contextmanager
def one_output_each(output: Path | str) -> Iterator[None]:
    """Raise UsageError `output-queued` where the database refuses a second unfinished job with this output."""
    try:
        yield
    except IntegrityError as error:
        message = f"another job that is not finished writes {output}"
        raise UsageError("output-queued", message, "choose another name with -o") from error


def unused_output(connection: Connection, output: Path) -> Path:
    """The name, or `name_2`, `name_3` … if jobs (finished ones too) have it already."""
    number, name = 1, output
    while connection.execute("SELECT 1 FROM jobs WHERE output = ?", (str(name),)).fetchone():
        number += 1
        name = output.with_stem(f"{output.stem}_{number}")
    return name


def _filter(states: Iterable[JobState] | None, text: str | None) -> tuple[str, list[Any]]:
    conditions, values = ["1"], list[Any](states or ())
    if states is not None:
        conditions.append(f"state IN ({', '.join('?' * len(values))})")
    for word in (text or "").split():
        conditions.append("(instr(lower(prompt || ' ' || model || ' ' || output), ?) OR CAST(id AS TEXT) = ?)")
        values += [word.lower(), word]
    return " AND ".join(conditions), values


def _reversed(order: str) -> str:
    keys = order.split(", ")
    return ", ".join(key.removesuffix(" DESC") if key.endswith(" DESC") else f"{key} DESC" for key in keys)


def _worker(row: Row, *, alive: bool) -> WorkerInfo:
    names = ("id", "host", "pid", "device", "executor", "started_at", "heartbeat_at", "job")
    sample = json.loads(row["sample"])
    return WorkerInfo(
        **{name: row[name] for name in names}, alive=alive, asked_to_stop=bool(row["asked_to_stop"]), sample=sample
    )
