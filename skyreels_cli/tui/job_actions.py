"""What can be done to jobs: one table, from which keys, footer, palette and help are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skyreels_cli.queue import actions
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import FINISHED, UNFINISHED, WAITING, JobState, JobSummary
from skyreels_cli.queue.store import Store
from skyreels_cli.tui.job_presets import save_as_preset


@dataclass(frozen=True)
class JobAction:
    """`do` writes to the store and says what was done; `asks` is put to the user before, with the jobs it is about."""

    name: str
    keys: str
    label: str
    help: str
    states: tuple[JobState, ...]
    do: Callable[[Store, JobSummary], str]
    asks: str = ""
    in_footer: bool = False

    def question(self, jobs: Sequence[JobSummary]) -> str:
        """What the user is asked before it is done to these."""
        return self.asks.format(f"job {jobs[0].id}" if len(jobs) == 1 else f"{len(jobs)} jobs")

    def do_all(self, store: Store, jobs: Sequence[JobSummary]) -> str:
        """Do it to one job after the other, in their order; says what was done."""
        said = [self.do(store, job) for job in jobs]
        return said[0] if len(said) == 1 else f"{self.label.lower()}: {len(said)} jobs"

    def suits(self, job: JobSummary) -> bool:
        """Whether the job's state allows it."""
        return job.state in self.states


def _pause(store: Store, job: JobSummary) -> str:
    if job.state == "paused" or job.request == "pause":
        actions.resume(store, job.id)
        return f"job {job.id} goes on"
    if actions.pause(store, job.id).state != "paused":
        return f"job {job.id} saves a checkpoint and pauses"
    return f"job {job.id} is paused{JobFolder.of(Path(job.output)).stop_text()}"


def _cancel(store: Store, job: JobSummary) -> str:
    if actions.cancel(store, job.id).state != "cancelled":
        return f"job {job.id} stops after this step"
    return f"job {job.id} is cancelled{JobFolder.of(Path(job.output)).stop_text()}"


def _retry(store: Store, job: JobSummary) -> str:
    actions.retry(store, job.id)
    return f"job {job.id} is queued once more"


def _duplicate(store: Store, job: JobSummary) -> str:
    return f"job {actions.duplicate(store, job.id).id} is a copy of job {job.id}"


def _remove(store: Store, job: JobSummary) -> str:
    actions.remove(store, [job.id])
    return f"job {job.id} is forgotten; a finished film stays"


def _moved(rank: Callable[[int], int | None]) -> Callable[[Store, JobSummary], str]:
    """Move a job to a rank computed from its present one, both counted from 1; None is the last."""

    def move(store: Store, job: JobSummary) -> str:
        wanted, last = rank(store.rank(job.id)), store.count(WAITING)
        actions.move(store, job.id, wanted)
        return f"job {job.id} is number {min(max(wanted or last, 1), last)} of {last} that wait"

    return move


def _prioritised(by: int) -> Callable[[Store, JobSummary], str]:
    def change(store: Store, job: JobSummary) -> str:
        changed = actions.set_priority(store, job.id, store.job(job.id).priority + by)
        return f"job {job.id} has priority {changed.priority}"

    return change


FAILED: tuple[JobState, ...] = ("failed", "cancelled")
STOPPED: tuple[JobState, ...] = (*WAITING, *FINISHED)
_TABLE: tuple[JobAction, ...] = (
    JobAction("pause", "p", "Pause", "Pause the job, or let it go on", UNFINISHED, _pause, in_footer=True),
    JobAction(
        "cancel",
        "c",
        "Cancel",
        "End the job; what is rendered stays for a retry",
        UNFINISHED,
        _cancel,
        asks="Cancel {}? What is rendered stays, and `retry` goes on with it.",
        in_footer=True,
    ),
    JobAction("retry", "r", "Retry", "Queue a failed or cancelled job again", FAILED, _retry, in_footer=True),
    JobAction("duplicate", "d", "Duplicate", "Queue the same job once more", (*UNFINISHED, *FINISHED), _duplicate),
    JobAction(
        "preset", "m", "Save as preset", "Keep the job's recipe as a preset", (*UNFINISHED, *FINISHED), save_as_preset
    ),
    JobAction("raise", "K,shift+up", "Up", "Render the job one place earlier", WAITING, _moved(lambda now: now - 1)),
    JobAction("lower", "J,shift+down", "Down", "Render the job one place later", WAITING, _moved(lambda now: now + 1)),
    JobAction("first", "T", "To the top", "Render the job next", WAITING, _moved(lambda _: 1)),
    JobAction("last", "B", "To the bottom", "Render the job last", WAITING, _moved(lambda _: None)),
    JobAction(
        "prefer", "plus,equals_sign", "Priority +1", "Give the job a higher priority", UNFINISHED, _prioritised(1)
    ),
    JobAction("defer", "minus", "Priority -1", "Give the job a lower priority", UNFINISHED, _prioritised(-1)),
    JobAction(
        "remove",
        "x,delete",
        "Remove",
        "Forget the job, its log and its assets",
        STOPPED,
        _remove,
        asks="Remove {} from the queue? A finished film stays where it is.",
    ),
)
JOB_ACTIONS = {action.name: action for action in _TABLE}
"""By name, in the order of the help."""
