"""What there is to say about a job and its recipe, as lines of a name and a value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from skyreels_cli.output import byte_size, clock
from skyreels_cli.plan.dry_run import count_windows
from skyreels_cli.queue.degrade import describe
from skyreels_cli.queue.job import Job
from skyreels_cli.recipe.rerolls import shown
from skyreels_cli.tui.view import model_name

STYLES = {"error": "$text-error", "try": "$text-accent", "less memory": "$text-warning", "turn": "$text-warning"}
Fact = tuple[str, str]


def fact_lines(facts: Iterator[Fact]) -> Content:
    """A line for each fact, names in a column of their own."""
    return Content("\n").join(_line(*fact) for fact in facts)


def job_facts(job: Job, why: str = "") -> Iterator[Fact]:
    """State and error, prompt and output, how far it is, when; `why` it is not worked off in its place."""
    yield "job", f"{job.id}, {job.state}" + (f", {job.request} asked" if job.request else "")
    if why:
        yield "turn", why
    if job.error:
        yield "error", f"{job.error['message']} ({job.error['code']})"
    if job.error and job.error.get("hint"):
        yield "try", str(job.error["hint"])
    yield "prompt", job.prompt
    yield "film", job.output
    yield "model", model_name(job.model)
    yield "steps", f"{job.steps_done} of {job.total_steps}, {count_windows(job.plan)} windows"
    yield "attempts", f"{job.attempts} of {job.max_attempts} without getting further"
    yield "priority", str(job.priority)
    for step in job.degradations:
        yield "less memory", f"{describe(step)} after: {step.get('reason', 'out of memory')}"
    if job.group_id:
        yield "group", str(job.group_id)
    if job.after:
        yield "after", f"job {job.after}"
    times = (
        ("not before", job.not_before),
        ("added", job.created_at),
        ("started", job.started_at),
        ("ended", job.finished_at),
    )
    yield from ((name, f"{datetime.fromtimestamp(at):%d %b %Y %H:%M:%S}") for name, at in times if at)  # noqa: DTZ006
    if job.result:
        yield "rendered in", clock(job.result["elapsed_s"])
        yield "peak memory", byte_size(job.result["peak_memory_bytes"])
    yield from ((name, str(value)) for name, value in job.placement.items())


def recipe_facts(job: Job) -> Iterator[Fact]:
    """The fields of the recipe that have a value."""
    yield from (
        (name, str(shown(name, value))) for name, value in job.recipe.items() if value not in (None, "", [], {})
    )


def _line(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<20} ", "$foreground-muted"), (value, STYLES.get(name, "")))
