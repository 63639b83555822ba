"""Storyboards as YAML and as tables; and the question, on a terminal, whether to render one as it stands."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import typer

from skyreels_cli.cli.editor import open_editor
from skyreels_cli.errors import InterruptedError, UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.order.enhance.enhance import Enhanced
    from skyreels_cli.order.enhance.providers import Provider
    from skyreels_cli.order.enhance.storyboard import WindowGrid
    from skyreels_cli.order.order import Order
    from skyreels_cli.order.request import Request


def tell_story(
    done: Enhanced, provider: Provider, duration: str | None, film_model: str | None, output: Path | None, out: Output
) -> None:
    """Print a storyboard, or write it to a file for `--shots`."""
    from skyreels_cli.order.enhance.stage import record
    from skyreels_cli.order.enhance.storyboard import length_of, write_shots
    from skyreels_cli.recipe.rate import rate_data
    from skyreels_cli.recipe.schema import Draft

    for note in done.notes:
        out.warning(note)
    grid = _grid(film_model)
    shots = write_shots(done.paragraphs, grid, length_of(Draft(duration=duration), grid.fps))
    enhanced = record(done.wish.prompt, provider, [done])
    values = [shot.model_dump(exclude_none=True, exclude_defaults=True) for shot in shots]
    data: dict[str, Any] = {
        "schema": 1,
        **({"model": film_model} if film_model else {"fps": rate_data(grid.fps)}),
        **({"enhanced": enhanced.model_dump(exclude_defaults=True)} if enhanced else {}),
        "shots": values,
    }
    text = to_yaml(data)
    if output:
        output.write_text(text, encoding="utf-8")
        out.narrate(f"to render it: skyreels generate --shots {quote(str(output))}")
    frames = sum(shot["num_frames"] for shot in values)
    result = {
        **data,
        "num_frames": frames,
        "duration_s": float(frames / grid.fps),
        "output": str(output) if output else None,
    }
    on_terminal = sys.stdout.isatty() and not out.quiet
    essential = str(output) if output else text.rstrip()
    out.result(result, essential, (lambda: table(values, grid.fps)) if on_terminal else None)


def to_yaml(data: dict[str, Any]) -> str:
    """YAML that people like to edit: long prompts folded, in the order given."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def table(shots: Sequence[dict[str, Any]], fps: Fraction) -> RenderableType:
    """The shots with their times."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    drawn.add_column("", justify="right")
    drawn.add_column("length", justify="right", no_wrap=True)
    drawn.add_column("", no_wrap=True)
    drawn.add_column("what is seen", overflow="fold")
    for number, shot in enumerate(shots, 1):
        seconds = f"{float(shot['num_frames'] / fps):.1f} s" if shot["num_frames"] else "endless"
        drawn.add_row(str(number), seconds, "cut" if shot.get("cut") else "", shot["prompt"])
    return drawn


def reviewed(order: Order, request: Request, out: Output) -> Request | None:
    """On a terminal, show the storyboard and let it be edited; the new request if it was. None: render it.

    Raises InterruptedError if nothing shall be rendered.
    """
    if out.no_input or out.json or out.events or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    recipe = order.recipe
    shots = [shot.model_dump(mode="json") for shot in recipe.shots]
    out.console().print(table(shots, recipe.fps))
    answer = _ask("Enter renders it, e edits it, q leaves")
    if answer.startswith("q"):
        raise InterruptedError(
            "interrupted", "nothing was rendered", "skyreels enhance-prompt TEXT --shots N -o story.yaml"
        )
    if not answer.startswith("e"):
        return None
    return _edited(order, request, out)


def _edited(order: Order, request: Request, out: Output) -> Request:
    """The request with the shots as somebody leaves them in an editor."""
    from skyreels_cli.recipe.presets.load import load_shots

    draft = order.draft.model_dump(mode="json", exclude_none=True, by_alias=True, exclude_defaults=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "story.yaml"
        file.write_text(to_yaml({"shots": draft["shots"]}), encoding="utf-8")
        open_editor(file)
        while True:
            try:
                shots = load_shots(file).shots
                break
            except UsageError as error:
                out.warning(error.message)
                if _ask("Enter opens it again, q leaves").startswith("q"):
                    raise
                open_editor(file)
    written = {"shots": shots, "enhanced": order.draft.enhanced, "seed": order.recipe.seed}
    cleared = {"story": None, "story_shots": None, "prompt_enhancer": None, "num_frames": None, "duration": None}
    return replace(request, typed=request.typed.model_copy(update={**cleared, **written}))


def _ask(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True)).strip().lower()


def _grid(film_model: str | None) -> WindowGrid:
    """Windows of the model that will render it; of the released 540P ones if none is named."""
    from skyreels_cli.order.enhance.storyboard import WindowGrid, grid_of

    if film_model is None:
        return WindowGrid()
    from skyreels_cli.hub.open import open_model
    from skyreels_cli.recipe.schema import Draft

    return grid_of(Draft(), open_model(film_model, absent=True))
