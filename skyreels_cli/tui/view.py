"""What the dashboard shows of the queue, and what is to be read of it: plain data, passed between threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from skyreels_cli.queue.job import FINISHED, Job, JobState, JobSummary, WorkerInfo
from skyreels_cli.queue.store import FinishedFilm, Sort

FILTERS: dict[str, tuple[JobState, ...] | None] = {
    "all": None,
    "to do": ("running", "queued", "paused"),
    "failed": ("failed",),
    "cancelled": ("cancelled",),
    "done": ("succeeded",),
}
SORTS: tuple[Sort, ...] = ("queue", "id", "prompt", "model", "frames", "created", "finished")


@dataclass(frozen=True)
class Wanted:
    """What is to be read: a page of the list, the job under the cursor (`focus`), and what other screens show."""

    states: str = "all"
    text: str = ""
    sort: Sort = "queue"
    descending: bool = False
    offset: int = 0
    limit: int = 80
    focus: int | None = None
    detail: int | None = None
    history: bool = False


@dataclass(frozen=True)
class View:
    """The queue as of one reading; `film` is the running job that is shown, `detail` the one that is opened.

    `seconds_ahead` is what the plans of the queued jobs add up to; `why` says by job why it is not worked off in its
    place.
    """

    wanted: Wanted = Wanted()
    counts: dict[str, int] = field(default_factory=dict)
    paused: bool = False
    workers: tuple[WorkerInfo, ...] = ()
    total: int = 0
    jobs: tuple[JobSummary, ...] = ()
    film: Job | None = None
    detail: Job | None = None
    history: tuple[FinishedFilm, ...] = ()
    seconds_ahead: float = 0.0
    why: tuple[tuple[int, str], ...] = ()

    @property
    def living(self) -> tuple[WorkerInfo, ...]:
        """Workers whose process is alive."""
        return tuple(worker for worker in self.workers if worker.alive)

    @property
    def nodes(self) -> dict[str, list[dict[str, Any]]]:
        """The GPUs of other machines on which jobs run, by the machine's name."""
        elsewhere = (worker.sample for worker in self.living if worker.place and worker.sample.get("host"))
        return {sample["host"]: sample["gpus"] for sample in elsewhere}

    def place_of(self, job: JobSummary) -> dict[str, str] | None:
        """The `place` of a running job, if that is another machine."""
        return next((worker.sample.get("place") for worker in self.living if worker.id == job.owner), None)

    @property
    def lost(self) -> int:
        """Jobs that are called running though their workers are dead."""
        return self.counts.get("running", 0) - sum(worker.job is not None for worker in self.living)

    def is_orphan(self, job: JobSummary) -> bool:
        """Whether a job is called running though its worker is dead; the next worker takes it up."""
        return job.state == "running" and job.owner not in {worker.id for worker in self.living}


def progress_text(job: JobSummary, now: float) -> str:
    """How far a job is, what it has been asked for, why it failed, or what it waits for."""
    if job.request:
        return f"{job.request} asked"
    if job.state == "failed":
        return job.error_code or ""
    if job.state in FINISHED:
        return ""
    if job.retry_at and job.retry_at > now:
        return f"in {job.retry_at - now:.0f} s"
    return _standing(job, now)


def _standing(job: JobSummary, now: float) -> str:
    """How far a job is that runs or waits, or what it waits for."""
    if job.steps_done or job.state == "running":  # a film of which every step is done is not done
        return f"{min(99, 100 * job.steps_done // max(job.total_steps, 1))} %"
    if job.not_before and job.not_before > now:
        return f"at {datetime.fromtimestamp(job.not_before).astimezone():%a %H:%M}"
    return f"after {job.after}" if job.after else ""


def planned_memory(job: Job) -> float | None:
    """Bytes that the plan foresaw of what `peak_memory_bytes` measures; None where the plan does not say.

    On a GPU that is the device's memory in the offload mode that the job runs in; else all of the process, whose memory
    is one.
    """
    estimates = job.plan.get("estimates", {})
    offload = job.plan.get("offload") or job.overrides.get("offload") or job.placement.get("offload") or "none"
    on_gpu = str(job.plan.get("device", "cuda")).startswith("cuda")
    device = "memory" if offload in ("auto", "none") or not on_gpu else f"memory_offload_{offload}"
    names = (device,) if on_gpu else (device, "host")
    return sum(float(estimates[name]["value"]) for name in names) if all(n in estimates for n in names) else None


def model_name(model: str) -> str:
    """`DF-1.3B-540P` for `Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers`, the last part of other names."""
    return Path(model).name.removeprefix("SkyReels-V2-").removesuffix("-Diffusers")
