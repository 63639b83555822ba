"""From typed options to the intake's request: the command line's own spellings, short forms and files."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from skyreels_cli.cli.options import FilmOptions, RecipeOptions
from skyreels_cli.cli.plugin_commands import warn_of_broken_plugins
from skyreels_cli.cli.plugin_flags import fold_machine_flags, fold_plugin_flags, spell
from skyreels_cli.cli.unbuilt import refuse_unbuilt
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.order.intake import MeasuredRate
    from skyreels_cli.order.order import Order
    from skyreels_cli.order.request import Request
    from skyreels_cli.recipe.schema import Draft


def decide_aloud(request: Request, out: Output, measured_rate: MeasuredRate | None = None) -> Order:
    """Decide, and tell what was noted on the way."""
    from skyreels_cli.order.intake import decide

    warn_of_broken_plugins(out)
    order = decide(request, measured_rate)
    for note in order.notes:
        out.narrate(note)
    return order


def make_request(prompt: str | None, options: FilmOptions, *, plan_only: bool = False) -> Request:
    """A command line as a request; a prompt `-` is read from stdin."""
    from skyreels_cli.order.request import Request

    refuse_unbuilt(options.later)
    preset = options.recipe.preset
    return Request(
        typed=typed_draft(prompt, options.recipe),
        presets=(preset,) if preset else (),
        machine=fold_machine_flags(options.machine),
        output=options.file.output,
        overwrite=options.file.overwrite,
        keep_work=options.file.keep_work,
        plan_only=plan_only,
    )


def typed_draft(prompt: str | None, options: RecipeOptions) -> Draft:
    """Return the typed options as a draft, over what their shots file says."""
    from skyreels_cli.recipe.merge import merge
    from skyreels_cli.recipe.presets import load_shots
    from skyreels_cli.recipe.schema import Draft
    from skyreels_cli.recipe.validate import make_draft

    if prompt is not None and options.prompt is not None:
        raise UsageError("usage", "the prompt is given twice, as PROMPT and as --prompt", "leave one of them out")
    if options.num_frames is not None and options.duration is not None:
        message = "--num-frames and --duration both say how long the film is"
        raise UsageError("usage", message, "leave one of them out")
    said = {name: value for name, value in asdict(options).items() if value is not None}
    said = {name: value for name, value in said.items() if name not in ("preset", "shots")}  # these are files
    if prompt is not None:
        said["prompt"] = prompt
    if said.get("prompt") == "-":
        said["prompt"] = sys.stdin.read().strip()
    shots = load_shots(options.shots) if options.shots else Draft()
    return merge(shots, make_draft(fold_plugin_flags(said), spell))
