"""`skyreels resume`: an interrupted film goes on where it stopped."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.generate import render_film
from skyreels_cli.cli.options import MachineOptions, WatchOptions
from skyreels_cli.cli.plugin_flags import fold_machine_flags
from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.manifest import film_of, read_manifest, work_folder
from skyreels_cli.output import Output
from skyreels_cli.paths import absolute
from skyreels_cli.recipe.choices import MAX_SEED

if TYPE_CHECKING:
    from skyreels_cli.film.placement import Placement
    from skyreels_cli.recipe.rerolls import Reroll
    from skyreels_cli.recipe.schema import Recipe

Again = partial(Option, rich_help_panel="Another take")


def resume(
    out: Output,
    *,
    film: Annotated[Path, Argument(metavar="FILM|FOLDER", help="The film's name, or its .skyreels folder.")],
    machine: MachineOptions,
    watch: WatchOptions,
    keep_work: Annotated[bool, Option("--keep-work", help="Keep the work folder at the end.")] = False,
    from_window: Annotated[int | None, Again(metavar="K", min=1, help="From window K on, make it again.")] = None,
    seed: Annotated[int | None, Again(metavar="N", min=0, max=MAX_SEED, help="With this seed; else a new one.")] = None,
    prompt: Annotated[str | None, Again(metavar="TEXT", help="With this prompt, to the end of the shot.")] = None,
) -> None:
    """Go on with an interrupted film as if nothing had happened; or make its end again, another way."""
    from skyreels_cli.film.identity import identity_of
    from skyreels_cli.order.intake import make_placement, take_up
    from skyreels_cli.settings import load_settings

    output = film_of(absolute(film))
    change = _change(from_window, seed, prompt)
    made = identity_of(output) if change or not work_folder(output).exists() else None
    placement = make_placement(load_settings(**fold_machine_flags(machine)), {})
    if change and made:
        _retake(output, change, placement, out, watch, keep_work=keep_work)
        return
    if made:
        out.narrate(f"{output} is finished already")
        out.result({"output": str(output), "recipe": made["recipe"]}, str(output))
        return
    recipe = _recipe_of(output)
    recipe = recipe.with_reroll(change) if change else recipe
    rendering = take_up(recipe, placement, output, keep_work=keep_work)
    if change:
        _set_aside(output, change, out)
    render_film(rendering, out, watch)


def _retake(
    film: Path, change: Reroll, placement: Placement, out: Output, watch: WatchOptions, *, keep_work: bool
) -> None:
    """Make another take of a finished film, beside it."""
    from skyreels_cli.film.new_take import begin_take, recipe_of, take_name
    from skyreels_cli.order.intake import take_up

    recipe = recipe_of(film).with_reroll(change)
    rendering = take_up(recipe, placement, take_name(film), keep_work=keep_work)
    out.narrate(f"another take of {film}, from window {change.window + 1} on: {rendering.output}")
    begin_take(film, rendering, change.window)
    render_film(rendering, out, watch)


def _change(window: int | None, seed: int | None, prompt: str | None) -> Reroll | None:
    """What is to be made again, if anything; the options make sense together only."""
    from skyreels_cli.recipe.rerolls import Reroll

    if window is None and seed is None and prompt is None:
        return None
    if window is None:
        message = "to make the end of a film again, say from which window on"
        raise UsageError("usage", message, "--from-window 2 --seed 5")
    if seed is None and prompt is None:
        from skyreels_cli.recipe.complete import draw_seed

        seed = draw_seed()
    return Reroll(window=window - 1, seed=seed, prompt=prompt)


def _set_aside(output: Path, change: Reroll, out: Output) -> None:
    from skyreels_cli.film.folder.takes import reroll
    from skyreels_cli.film.folder.work import WorkFolder

    take = reroll(WorkFolder(work_folder(output)), change)
    if take:
        out.narrate(f"the old take is kept in {take}")


def _recipe_of(output: Path) -> Recipe:
    """The recipe in the manifest of the film's work folder."""
    from skyreels_cli.recipe.inputs import relocated
    from skyreels_cli.recipe.schema import Recipe

    folder = work_folder(output)
    manifest = read_manifest(folder)
    if manifest:
        was = Path(manifest.get("folder", output.parent))
        return Recipe.model_validate(relocated(manifest["recipe"], was, output.parent))
    if output.exists():
        message = f"{output} is no film of skyreels: there is nothing to go on with"
        raise UsageError("no-recipe", message, f"skyreels extend {quote(str(output))}")
    message = f"no unfinished film {output} (there is no work folder {folder.name})"
    raise UsageError("film-not-found", message, f"ls -d {quote(str(output.parent))}/*.skyreels")
