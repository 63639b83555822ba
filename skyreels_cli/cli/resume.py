"""`skyreels resume`: an interrupted film goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.generate import render_job
from skyreels_cli.cli.options import MachineOptions
from skyreels_cli.cli.prepare import Job, make_placement
from skyreels_cli.errors import UsageError
from skyreels_cli.film.manifest import film_of, read_manifest, work_folder
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.recipe.schema import Recipe


def resume(
    out: Output,
    *,
    film: Annotated[Path, Argument(metavar="FILM|FOLDER", help="The film's name, or its .skyreels folder.")],
    machine: MachineOptions,
    keep_work: Annotated[bool, Option("--keep-work", help="Keep the work folder at the end.")] = False,
) -> None:
    """Go on with an interrupted film; the result is the same as if nothing had happened."""
    from skyreels_cli.hub.open import open_model
    from skyreels_cli.plan.planner import make_plan

    output = film_of(film.expanduser().absolute())
    recipe = _recipe_of(output)
    facts = open_model(recipe.model)
    job = Job(
        recipe=recipe,
        facts=facts,
        plan=make_plan(recipe, facts),
        placement=make_placement(machine),
        output=output,
        sources={},
        keep_work=keep_work,
        overwrite=False,
    )
    render_job(job, out)


def _recipe_of(output: Path) -> Recipe:
    """The recipe in the manifest of the film's work folder."""
    from skyreels_cli.recipe.schema import Recipe

    folder = work_folder(output)
    manifest = read_manifest(folder)
    if manifest:
        return Recipe.model_validate(manifest["recipe"])
    if output.exists():
        raise UsageError("film-finished", f"{output} is finished: there is nothing to go on with")
    message = f"no unfinished film {output} (there is no work folder {folder.name})"
    raise UsageError("film-not-found", message, f"ls -d {quote(str(output.parent))}/*.skyreels")
