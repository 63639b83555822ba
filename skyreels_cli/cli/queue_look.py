"""`skyreels queue list`, `show`, `logs` and `watch`: looking at the queue changes nothing in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.completion import job_numbers
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.queue.job import JobState
    from skyreels_cli.queue.store import Changes, Store

# A look at `PRAGMA data_version` costs 20 µs.
WATCH_SECONDS = 0.25
LIST_ROWS = 40

JobId = Annotated[int, Argument(metavar="ID", autocompletion=job_numbers, help="The job.")]
JobIds = Annotated[list[int] | None, Argument(metavar="ID", autocompletion=job_numbers, help="One job or several.")]
Group = Annotated[int | None, Option(metavar="N", help="All of a group: jobs that were added together.")]


def open_store() -> Store:
    """The queue of this machine."""
    from skyreels_cli.paths import folders
    from skyreels_cli.queue.store import Store

    return Store(folders().queue)


def list_(
    out: Output,
    *,
    state: Annotated[list[str] | None, Option(metavar="STATE", help="Only these; repeatable.")] = None,
    text: Annotated[str | None, Option(metavar="WORDS", help="Only where prompt or file has them.")] = None,
    limit: Annotated[int | None, Option(min=1, metavar="N", help="At most so many.")] = None,
) -> None:
    """List the jobs: those that run, those that wait in their order, those that are over."""
    from skyreels_cli.cli.queue_view import jobs_view
    from skyreels_cli.queue.job import check_states

    store = open_store()
    states = check_states(state) if state else None
    people = not (out.json or out.quiet)
    jobs = store.jobs(states, text, limit=limit or (LIST_ROWS if people else -1))
    data = {
        "paused": store.paused,
        "counts": store.counts(),
        "jobs": [job.to_dict() for job in jobs],
        "workers": [worker.to_dict() for worker in store.workers()],
    }
    ids = "\n".join(str(job.id) for job in jobs)
    running = {job.id: store.job(job.id).progress for job in jobs if job.state == "running"}
    out.result(
        data,
        ids,
        lambda: jobs_view(jobs, running, store.count(states, text), store.workers(), paused=store.paused),
    )


def show(out: Output, *, job: JobId) -> None:
    """Print everything about a job: what it says, its plan, how far it is, why it failed."""
    from skyreels_cli.cli.queue_view import job_view

    store = open_store()
    found = store.job(job)
    data = {**found.to_dict(), "log": str(store.log(job))}
    out.result(data, found.state, lambda: job_view(found, store.log(job)))


def logs(
    out: Output,
    *,
    job: JobId,
    follow: Annotated[bool, Option("--follow", help="Go on printing until the job has ended.")] = False,
) -> None:
    """Print a job's log: what the worker did with it and what its renderer said."""
    from skyreels_cli.queue.logs import read_log

    store = open_store()
    store.job(job)
    text = _followed(store, job, out) if follow else read_log(store.log(job))
    if follow and not (out.json or out.events):
        return
    out.result({"job": job, "path": str(store.log(job)), "log": text}, text.rstrip("\n"))


def _followed(store: Store, number: int, out: Output) -> str:
    """The whole log once the job has ended; people are shown each part as it is written."""
    from skyreels_cli.queue.job import FINISHED
    from skyreels_cli.queue.logs import LogFollower, read_log

    log = LogFollower(store.log(number))
    ended = False
    while True:
        if (part := log.more()) and not (out.json or out.events):
            out.result({}, part.rstrip("\n"))
        if ended:
            return read_log(store.log(number))
        ended = store.job(number).state in FINISHED  # its last words may come after this look
        if not ended:
            time.sleep(WATCH_SECONDS)


def watch(
    out: Output,
    *,
    until_done: Annotated[bool, Option("--until-done", help="End when no job waits or runs.")] = False,
) -> None:
    """Print a line of JSON for each job, and another one whenever it changes, until Ctrl-C."""
    out.turn_on(events=True)
    store = open_store()
    seen: set[int] = set()
    for changes in _changes(store, until_done=until_done):
        there = {job.id: job for job in store.jobs()}
        for job in changes.jobs:
            if job.id in there:
                progress = store.job(job.id).progress if job.state == "running" else None
                out.event({"event": "job", **job.to_dict(), "progress": progress})
        for number in seen - set(there):
            out.event({"event": "job_removed", "id": number})
        seen = set(there)
    out.result({"counts": store.counts()}, "")


def _changes(store: Store, *, until_done: bool) -> Iterator[Changes]:
    """All jobs, then those that have changed, whenever some have."""
    waiting: tuple[JobState, ...] = ("queued", "running")
    revision = 0
    while True:
        version = store.database.data_version()
        changes = store.changes(revision)
        if changes.revision > revision:
            revision = changes.revision
            yield changes
        if until_done and store.count(waiting) == 0:
            return
        while store.database.data_version() == version:
            time.sleep(WATCH_SECONDS)
