"""`skyreels show`: the recipe and the facts behind a film."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard

from typer import Argument, Option

from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(
    out: Output,
    file: Annotated[Path, Argument(help="A film, or the .json beside it.", show_default=False)],
    frame: Annotated[str | None, Option(metavar="N|last", help="Write one frame, counted from 1.")] = None,
    sheet: Annotated[bool, Option("--sheet", help="Write a contact sheet: the first frame of each window.")] = False,
    drift: Annotated[bool, Option("--drift", help="Measure how it changes from window to window.")] = False,
    plot: Annotated[bool, Option("--plot", help="Draw that as a picture.")] = False,
    output: Annotated[
        Path | None, Option("--output", "-o", metavar="FILE", help="A picture; .gif or .webp alone holds all frames.")
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Print how a film was made: its recipe, model, versions and timings; or how it drifts; or write pictures of it."""
    if drift and (frame is not None or sheet or plot or output is not None):
        raise UsageError("usage", "--drift is printed, and makes no picture", f"--plot -o {quote(file.stem)}.png")
    if drift:
        from skyreels_cli.cli.show_drift import drift_of, drift_view

        measured = drift_of(file)
        out.result(measured.as_data(), str(file), lambda: drift_view(measured))
        return
    if frame is not None or sheet or plot or output is not None:
        from skyreels_cli.cli.show_picture import write_picture

        written = write_picture(file, frame, output, sheet=sheet, plot=plot, overwrite=overwrite)
        out.result(written, str(output), lambda: f"{output}  {written['width']}×{written['height']}")
        return
    made = _sidecar(file) if file.suffix == ".json" else _behind_film(file)
    if unknown := _unknown_words(made["recipe"]):
        made = {**made, "unknown_words": unknown}
    out.result(made, str(file), lambda: _table(made))


def _sidecar(file: Path) -> dict[str, Any]:
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as unreadable:
        raise UsageError(
            "sidecar-unreadable", f"{file} cannot be read", f"ls {quote(str(file.parent))}"
        ) from unreadable
    if not _tells_a_recipe(made):
        raise UsageError("no-recipe", f"{file} holds no recipe of a film", "skyreels show FILM.mp4")
    return made


def _behind_film(file: Path) -> dict[str, Any]:
    """Read what the film itself carries, else the file beside it (sites that show videos strip the tags)."""
    from skyreels_cli.media.comment import read_comment
    from skyreels_cli.media.video import open_video

    seen = open_video(file)
    video = {
        "width": seen.shown_size[0],
        "height": seen.shown_size[1],
        "fps": float(seen.fps),
        "frames": seen.frames,
        "duration_s": seen.duration_s,
        "codec": seen.codec,
        "has_audio": seen.has_audio,
        "pix_fmt": seen.pix_fmt,
    }
    beside = file.with_name(file.name + ".json")
    try:
        made = json.loads(read_comment(file) or "")
    except ValueError:
        made = None
    if not _tells_a_recipe(made):
        if not beside.is_file():
            message = f"{file} carries no recipe, and there is no {beside.name} beside it"
            raise UsageError("no-recipe", message, "skyreels show FILM.mp4.json")
        made = _sidecar(beside)
    return {**made, "video": video}


def _tells_a_recipe(made: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(made, dict) and isinstance(made.get("recipe"), dict)


def _unknown_words(recipe: dict[str, Any]) -> list[str]:
    """Words that meant nothing to the model, where it is a bundled one that can tell."""
    from skyreels_cli.hub.catalogue import unknown_words

    told = [recipe, *(shot for shot in recipe.get("shots") or () if isinstance(shot, dict))]
    return unknown_words(str(recipe.get("model")), [str(part["prompt"]) for part in told if part.get("prompt")])


def _table(made: dict[str, Any]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in _flat(made):
        table.add_row(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return table


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is set, with its name: ("recipe.seed", 42)."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value not in (None, []):
            yield prefix + name, value
