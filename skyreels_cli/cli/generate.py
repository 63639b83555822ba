"""`skyreels generate`: a prompt, and pictures if wanted, become a film."""

from __future__ import annotations

from contextlib import closing
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.interrupt import Interrupts
from skyreels_cli.cli.options import FileOptions, LaterOptions, MachineOptions, RecipeOptions
from skyreels_cli.cli.prepare import Job, Options, prepare
from skyreels_cli.cli.progress import Notice, progress
from skyreels_cli.cli.quantities import byte_size, clock
from skyreels_cli.errors import InterruptedError
from skyreels_cli.film.events import FilmDone
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

PLAN = "Before rendering"


def generate(
    out: Output,
    *,
    text: Annotated[str | None, Argument(metavar="PROMPT", help="What the film shows; - reads stdin.")] = None,
    recipe: RecipeOptions,
    later: LaterOptions,
    file: FileOptions,
    machine: MachineOptions,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print the plan; load nothing, render nothing.", rich_help_panel=PLAN)
    ] = False,
    explain: Annotated[
        bool, Option("--explain", help="The plan, and why each value is what it is.", rich_help_panel=PLAN)
    ] = False,
) -> None:
    """Render a film from a prompt, with a first and a last frame if you like."""
    job = prepare(Options(text, recipe, later, machine, file), out)
    if dry_run or explain:
        _show_plan(job, out, explain=explain)
    else:
        render_job(job, out)


def _show_plan(job: Job, out: Output, *, explain: bool) -> None:
    from skyreels_cli.plan.dry_run import plan_data

    data = {**plan_data(job.plan), "output": str(job.output), "recipe": job.recipe.model_dump(by_alias=True)}
    if job.split:
        data["split"] = job.split
    if explain:
        data["explain"] = dict(job.sources)
    essential = f"{job.plan.num_frames or 'endless'} frames in {job.plan.count or 'endless'} windows"
    out.result(data, essential, lambda: _plan_view(job, explain=explain))


def _plan_view(job: Job, *, explain: bool) -> RenderableType:
    from rich.console import Group

    from skyreels_cli.cli.explain import explain_view
    from skyreels_cli.cli.plan_view import plan_view

    parts: list[RenderableType] = [plan_view(job.plan, job.output)]
    if job.split:
        parts.append(f"on {job.split}")
    return Group(*parts, "", explain_view(job.recipe, job.sources)) if explain else Group(*parts)


def render_job(job: Job, out: Output) -> None:
    """Render, or go on rendering, and say what became of it."""
    for note in job.plan.notes:
        out.narrate(f"note: {note}")
    try:
        film = _watch(job, out)
    except KeyboardInterrupt:
        raise _interrupted(job) from None
    size = f"{film.frames} frames, {film.width}×{film.height}, {film.duration_s:.1f} s"
    peak = byte_size(film.peak_memory_bytes)
    out.narrate(f"{size}, seed {film.seed}, rendered in {clock(film.elapsed_s)}, peak {peak}")
    data = film.to_dict()
    del data["event"]
    out.result(data, film.output)


def _interrupted(job: Job) -> InterruptedError:
    folder = work_folder(job.output)
    if not folder.is_dir():
        return InterruptedError("interrupted", "interrupted before the film was begun")
    hint = f"skyreels resume {quote(str(job.output))}"
    return InterruptedError("interrupted", f"interrupted; what is done lies in {folder}", hint)


def _watch(job: Job, out: Output) -> FilmDone:
    """Render while a person, or a script, is told how it goes; closing the generator stops the film."""
    film = None
    plan = job.plan
    rows = None if plan.endless else [window.rows for window in plan.windows]
    with (
        progress(out, rows) as listen,
        Interrupts(endless=plan.endless, tell=lambda text: listen(Notice(text))) as interrupts,
    ):
        from skyreels_cli.film.render import render  # seconds: by now the display is moving

        with closing(render(job, ending=interrupts.ending)) as events:
            for event in events:
                out.event(event.to_dict())
                listen(event)
                interrupts.heed(event)
                if isinstance(event, FilmDone):
                    film = event
    assert film is not None, "a film that ends without an error says so"
    return film
