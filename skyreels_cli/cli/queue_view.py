"""Jobs as tables for people."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skyreels_cli.output import byte_size, clock
from skyreels_cli.plan.dry_run import count_windows
from skyreels_cli.queue.logs import last_lines
from skyreels_cli.recipe.rerolls import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.queue.job import Job, JobSummary, WorkerInfo

STYLES = {"running": "green", "failed": "red", "succeeded": "dim", "cancelled": "dim", "paused": "yellow"}


def jobs_view(
    jobs: Sequence[JobSummary],
    running: Mapping[int, Mapping[str, Any]],
    total: int,
    workers: Sequence[WorkerInfo],
    *,
    paused: bool,
) -> RenderableType:
    """Draw a line per job, and below what stands in their way; `running` is the progress of those that run."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not jobs:
        return 'the queue is empty: skyreels queue add "a red ball rolls over water"'
    dead = {worker.id for worker in workers if not worker.alive}
    places = {worker.id: worker.place for worker in workers}
    table = Table(box=None, pad_edge=False, header_style="bold")
    groups = ["group"] if any(job.group_id for job in jobs) else []
    for title in ("job", *groups, "state", "", "prio", "frames", "film"):
        justify: Literal["left", "right"] = "right" if title in ("job", "group", "prio", "frames") else "left"
        table.add_column(title, justify=justify, no_wrap=title != "film")  # so only this one gives way
    for job in jobs:
        state = f"{job.state} (worker lost)" if job.owner in dead else places.get(job.owner or "") or job.state
        how = _how(job, running.get(job.id, {}))
        film = Text(" ".join(job.prompt.split()), no_wrap=True, overflow="ellipsis")
        group = [str(job.group_id or "")] if groups else []
        what = (str(job.id), *group, state, how, str(job.priority), str(job.num_frames))
        table.add_row(*what, film, style=STYLES.get(job.state, ""))
    notes = ["the queue is paused: skyreels queue resume"] if paused else []
    if any(job.state == "queued" for job in jobs) and len(dead) == len(workers):
        notes.append("nobody is rendering: skyreels queue run")
    reasons = [worker.sample.get("rest_reason") for worker in workers if worker.alive]
    notes += [f"{reason}; skyreels doctor" for reason in reasons if reason]
    if total > len(jobs):
        notes.append(f"… and {total - len(jobs)} more (--limit N shows them)")
    return Group(table, *notes)


def _how(job: JobSummary, progress: Mapping[str, Any]) -> str:
    """How far it is, what it has been asked for, why it failed, or what it waits for."""
    if job.request:
        return f"{job.request} asked"
    if job.state in ("running", "paused", "queued") and job.steps_done:
        left = progress.get("seconds_left")
        share = progress.get("share", min(0.99, job.steps_done / job.total_steps))
        return f"{int(100 * share)} %{f', {clock(left)} left' if left is not None else ''}"
    if job.state == "queued" and job.retry_at and job.retry_at > time.time():
        return f"in {clock(job.retry_at - time.time())}"
    if job.state == "queued" and job.not_before and job.not_before > time.time():
        return f"at {datetime.fromtimestamp(job.not_before).astimezone():%a %H:%M}"
    if job.state == "queued" and job.after:
        return f"after job {job.after}"
    return job.error_code or "" if job.state == "failed" else ""


def job_view(job: Job, log: Path) -> RenderableType:
    """Draw everything about one job that a person may want to know."""
    from rich.console import Group
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in _facts(job):
        table.add_row(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    lines = last_lines(log, 10)
    return Group(table, *(["", str(log), *(f"  {line}" for line in lines)] if lines else []))


def _facts(job: Job) -> Iterator[tuple[str, Any]]:
    yield "job", f"{job.id}, {job.state}{f', {job.request} asked' if job.request else ''}"
    if job.group_id:
        yield "group", str(job.group_id)
    yield "film", job.output
    if job.error:
        yield "error", job.error["message"]
    if job.error and job.error.get("hint"):
        yield "hint", job.error["hint"]
    yield "steps", f"{job.steps_done} of {job.total_steps} in {count_windows(job.plan)} windows"
    yield "attempts", f"{job.attempts} of {job.max_attempts} without getting further"
    for step in job.degradations:
        yield "degraded", f"{json.dumps(step['change'])} after: {step['reason']}"
    yield from ((f"said.{name}", shown(name, value)) for name, value in {**job.draft, **job.placement}.items())
    for name, estimate in job.plan["estimates"].items():
        value, unit = estimate["value"], estimate["unit"]
        yield f"planned.{name}", byte_size(value) if unit == "B" else clock(value)
