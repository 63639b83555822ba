"""One attempt at a job, as the worker sees it, and the ways in which it can end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skyreels_cli.queue import leases
from skyreels_cli.queue.degrade import describe
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import JobLog
from skyreels_cli.queue.outcome import RetryDecision
from skyreels_cli.queue.owner import Owner
from skyreels_cli.queue.progress import Progress
from skyreels_cli.queue.store import FinishedFilm, Store

# Their prompts are encoded along with a job's own; each encoding is 4 MB, and takes a few seconds on a CPU.
PREPARED_JOBS = 8


@dataclass(frozen=True)
class Ending:
    """How a task ends: `write`, repeated until the store accepts it, records that; the rest is told afterwards.

    `write` returns the job's new state, None if another worker has the job by now.
    """

    write: Callable[[], str | None]
    text: str
    keep_renderer: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Task:
    """One attempt at a job. `placement` is complete; `progress` is there once the renderer has planned the film."""

    job: Job
    log: JobLog
    placement: dict[str, Any]
    begun: bool = False
    started_at: float = field(default_factory=time.monotonic)
    progress: Progress | None = None
    plan_noted: bool = False
    # Set once it has been asked to stop: when the renderer is killed if it has not.
    kill_at: float | None = None
    ending: Ending | None = None

    @property
    def attempts(self) -> int:
        """Starts since the film last got further, this one included."""
        further = self.progress is not None and self.progress.steps_done > self.job.best_steps
        return 1 if further else self.job.attempts

    def reached(self) -> dict[str, Any] | None:
        """`Progress.to_dict()` of this attempt; None before the renderer has planned the film."""
        return self.progress.to_dict() if self.progress else None


def render_command(store: Store, task: Task) -> dict[str, Any]:
    """The command `render` of the renderer's protocol."""
    job = task.job
    return {
        "do": "render",
        "job": job.id,
        "recipe": store.assets.resolve(job.current_recipe),
        "open_dtype": job.draft.get("dtype") in (None, "auto"),
        "placement": task.placement,
        "output": job.output,
        "keep_work": job.keep_work,
        "overwrite": job.overwrite or job.reworded,
        "next": store.next_recipes(job.model_key, PREPARED_JOBS),
    }


def succeeded(store: Store, owner: Owner, task: Task, result: Mapping[str, Any]) -> Ending:
    """The film is finished: record it in the history too."""
    film = _film(store, task, result)
    return Ending(
        lambda: leases.succeed(store, owner, task.job.id, task.reached(), result, film),
        f"finished: {task.job.output}",
        keep_renderer=True,
        details={"result": dict(result)},
    )


def stopped(store: Store, owner: Owner, task: Task) -> Ending:
    """The renderer has saved a checkpoint and stopped."""
    return Ending(lambda: leases.release(store, owner, task.job.id, task.reached()), "stopped")


def failed(store: Store, owner: Owner, task: Task, error: Mapping[str, Any], decision: RetryDecision) -> Ending:
    """The attempt failed; the decision says what becomes of the job."""
    job, said = task.job, {"error": dict(error)}
    if decision.step:
        step = {**decision.step, "reason": error["message"]}
        return Ending(
            lambda: leases.degrade(store, owner, job, task.reached(), step),
            f"out of memory; trying again with {describe(step)}",
            details={**said, "degraded": step["change"]},
        )
    if decision.delay is not None:
        delay, when = decision.delay, f"in {decision.delay:.0f} s" if decision.delay else "at once"
        return Ending(
            lambda: leases.put_back(store, owner, job.id, task.reached(), error, delay, counts=decision.counts),
            f"{error['message']}; trying again {when}",
            decision.keep_renderer,
            said,
        )
    return Ending(
        lambda: leases.fail(store, owner, job.id, task.reached(), error),
        f"failed: {error['message']}",
        decision.keep_renderer,
        said,
    )


def _film(store: Store, task: Task, result: Mapping[str, Any]) -> FinishedFilm:
    """The line for the history; the pace is that of this attempt, None if it had no step to do."""
    job, recipe, progress = task.job, task.job.current_recipe, task.progress
    return FinishedFilm(
        job=job.id,
        finished_at=store.now(),
        prompt=job.prompt,
        output=job.output,
        model=recipe["model"],
        dtype=recipe["dtype"],
        resolution=recipe["resolution"],
        frames=recipe["num_frames"],
        steps=job.plan["total_rows"],
        device=job.plan.get("device", "auto"),
        offload=job.plan.get("offload", task.placement["offload"]),
        step_seconds=progress.step_seconds if progress else None,
        flops_per_second=progress.flops_per_second if progress else None,
        elapsed_s=result.get("elapsed_s", 0.0),
        peak_memory_bytes=result.get("peak_memory_bytes", 0),
    )
