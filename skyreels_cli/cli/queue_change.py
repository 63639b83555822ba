"""`skyreels queue cancel`, `retry`, `pause`, `move` …: one function of `queue.actions` each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.completion import job_numbers
from skyreels_cli.cli.queue_look import Group, JobId, JobIds, open_store
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.queue.job import Job, JobState
    from skyreels_cli.queue.store import Store

MaybeJobIds = Annotated[
    list[int] | None, Argument(metavar="ID", autocompletion=job_numbers, help="Jobs; none: the whole queue.")
]


def cancel(out: Output, *, jobs: JobIds = None, group: Group = None) -> None:
    """End jobs: waiting ones at once, one that runs within a step. What is rendered stays, for retry."""
    from skyreels_cli.queue import actions
    from skyreels_cli.queue.job import UNFINISHED

    _each(out, _chosen(jobs, group, UNFINISHED), actions.cancel)


def retry(
    out: Output,
    *,
    jobs: JobIds = None,
    group: Group = None,
    fresh: Annotated[bool, Option("--fresh", help="Start over; forget what is rendered.")] = False,
) -> None:
    """Queue failed or cancelled jobs again; their films go on where they stopped."""
    from skyreels_cli.queue import actions

    numbers = _chosen(jobs, group, ("failed", "cancelled"))
    _each(out, numbers, lambda store, job: actions.retry(store, job, fresh=fresh))


def pause(out: Output, *, jobs: MaybeJobIds = None, group: Group = None) -> None:
    """Set jobs aside, or let the whole queue stand still; running films are checkpointed, devices freed."""
    from skyreels_cli.queue import actions
    from skyreels_cli.queue.job import UNFINISHED

    if jobs or group is not None:
        _each(out, _chosen(jobs, group, UNFINISHED), actions.pause)
    else:
        _everything(out, actions.pause_all, "the queue is paused; it goes on with: skyreels queue resume")


def resume(out: Output, *, jobs: MaybeJobIds = None, group: Group = None) -> None:
    """Let paused jobs, or the whole queue, go on."""
    from skyreels_cli.queue import actions
    from skyreels_cli.queue.job import UNFINISHED

    if jobs or group is not None:
        _each(out, _chosen(jobs, group, UNFINISHED), actions.resume)
    else:
        _everything(out, actions.resume_all, "the queue goes on")


def stop(out: Output) -> None:
    """Have the workers save their films, put their jobs back and leave; the jobs wait for the next worker."""
    from skyreels_cli.queue import actions

    asked = actions.stop_workers(open_store())
    text = f"{asked} worker{'s' if asked > 1 else ''} asked to stop" if asked else "no worker is running"
    out.result({"workers": asked}, str(asked), lambda: text)


def move(
    out: Output,
    *,
    job: JobId,
    to: Annotated[int | None, Option(min=1, metavar="N", help="Rank among those that wait.")] = None,
    top: Annotated[bool, Option("--top", help="Next to run.")] = False,
    bottom: Annotated[bool, Option("--bottom", help="Last.")] = False,
) -> None:
    """Give a waiting job another place; it takes on the priority that goes with it."""
    from skyreels_cli.queue import actions

    if (to is not None) + top + bottom != 1:
        raise UsageError("usage", "say where to: --to N, --top or --bottom", f"skyreels queue move {job} --top")
    rank = 1 if top else to
    _each(out, [job], lambda store, number: actions.move(store, number, rank))


def priority(
    out: Output, *, job: JobId, value: Annotated[int, Argument(metavar="N", help="Higher goes first.")]
) -> None:
    """Set a job's priority; 0 is usual, and -1 is written `-- -1`."""
    from skyreels_cli.queue import actions

    _each(out, [job], lambda store, number: actions.set_priority(store, number, value))


def remove(out: Output, *, jobs: JobIds = None, group: Group = None) -> None:
    """Forget jobs that do not run, with their logs; films, finished or not, stay where they are."""
    from skyreels_cli.queue import actions
    from skyreels_cli.queue.job import FINISHED, UNFINISHED

    removed = actions.remove(open_store(), _chosen(jobs, group, (*UNFINISHED, *FINISHED)))
    out.result({"removed": removed}, str(removed), lambda: f"{removed} removed")


def clear(
    out: Output,
    *,
    finished: Annotated[bool, Option("--finished", help="Those that succeeded.")] = False,
    failed: Annotated[bool, Option("--failed", help="Those that failed.")] = False,
    all_: Annotated[bool, Option("--all", help="All that do not run, waiting ones too.")] = False,
) -> None:
    """Forget many jobs at once; without an option those that succeeded or were cancelled."""
    from skyreels_cli.queue import actions
    from skyreels_cli.queue.job import FINISHED, WAITING

    states: Sequence[JobState] = ("succeeded", "cancelled")
    if all_:
        states = (*WAITING, *FINISHED)
    elif finished or failed:
        states = (*(("succeeded",) if finished else ()), *(("failed",) if failed else ()))
    removed = actions.clear(open_store(), states)
    out.result({"removed": removed}, str(removed), lambda: f"{removed} removed")


def _chosen(jobs: list[int] | None, group: int | None, states: Sequence[JobState]) -> list[int]:
    """The jobs that were named, and those of the group that are in these states."""
    if not jobs and group is None:
        raise UsageError("usage", "say which jobs: by ID, or --group N", "skyreels queue list")
    of_group = [] if group is None else open_store().group(group, states)
    return list(dict.fromkeys([*(jobs or ()), *of_group]))


def _each(out: Output, numbers: Sequence[int], change: Callable[[Store, int], Job]) -> None:
    """Change job after job; the first that cannot be changed ends it."""
    store = open_store()
    jobs = [change(store, number) for number in numbers]
    data = {"jobs": [job.to_dict() for job in jobs]}
    out.result(data, "\n".join(str(job.id) for job in jobs), lambda: "\n".join(map(_outcome, jobs)))


def _outcome(job: Job) -> str:
    from skyreels_cli.queue.batch.folder import JobFolder

    asked = {"cancel": ", stops within a step", "pause": ", stops at its next checkpoint", None: ""}
    left = JobFolder.of(job.output_path).stop_text() if job.state in ("cancelled", "paused") else ""
    return f"job {job.id}: {job.state}{asked[job.request]}{left}"


def _everything(out: Output, change: Callable[[Store], None], text: str) -> None:
    store = open_store()
    change(store)
    out.result({"paused": store.paused, "counts": store.counts()}, text)
