"""`skyreels show`: the recipe and the facts behind a film, an unfinished film, a preset or a code, on one screen."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.completion import preset_names
from skyreels_cli.cli.film_names import film_named, film_names, playable
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.cli.show_subject import Subject


def things() -> list[tuple[str, str]]:
    """What can be shown by name, for the shell to offer."""
    return [*film_names(), *preset_names()]


def show(
    out: Output,
    what: Annotated[
        str,
        Argument(
            metavar="WHAT",
            autocompletion=things,
            show_default=False,
            help="A film, its .json or work folder, a preset, a code, a name out of films list, or last.",
        ),
    ],
    frame: Annotated[str | None, Option(metavar="N|last", help="Write one frame, counted from 1.")] = None,
    sheet: Annotated[bool, Option("--sheet", help="Write a contact sheet: the first frame of each window.")] = False,
    browse: Annotated[bool, Option("--browse", help="Step through its frames: arrow keys, q leaves.")] = False,
    drift: Annotated[bool, Option("--drift", help="Measure how it changes from window to window.")] = False,
    plot: Annotated[bool, Option("--plot", help="Draw that as a picture.")] = False,
    output: Annotated[
        Path | None, Option("--output", "-o", metavar="FILE", help="A picture; .gif or .webp alone holds all frames.")
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Print how a film was made: what, when, with what; or how it drifts; or show or write pictures of it."""
    pictured = frame is not None or sheet or plot or output is not None
    if browse and (drift or pictured):
        raise UsageError(
            "usage", "--browse is looked at, and makes no picture", f"skyreels show {quote(what)} --browse"
        )
    if browse:
        _browse(what, out)
        return
    if drift and pictured:
        hint = f"--plot -o {quote(Path(what).stem)}.png"
        raise UsageError("usage", "--drift is printed, and makes no picture", hint)
    if drift:
        from skyreels_cli.cli.show_drift import drift_of, drift_view

        measured = drift_of(film_named(what))
        out.result(measured.as_data(), str(what), lambda: drift_view(measured))
        return
    if pictured:
        from skyreels_cli.cli.show_picture import write_picture

        written = write_picture(film_named(what), frame, output, sheet=sheet, plot=plot, overwrite=overwrite)
        out.result(written, str(output), lambda: f"{output}  {written['width']}×{written['height']}")
        return
    from skyreels_cli.cli.show_subject import subject_named

    subject = subject_named(what)
    out.result(subject.data, subject.name, lambda: _view(subject, out))


def _browse(what: str, out: Output) -> None:
    """Show frames by keys; afterwards say which was the last one, and how to keep it."""
    from skyreels_cli.cli.browse import browse
    from skyreels_cli.media.video import open_video

    film = film_named(what)
    number = 1 + browse(open_video(playable(film)), out)
    keep = f"skyreels show {quote(what)} --frame {number} -o frame-{number}.png"
    out.result({"film": str(film), "frame": number}, str(number), lambda: f"frame {number}; to keep it: {keep}")


def _view(subject: Subject, out: Output) -> RenderableType:
    from rich.console import Group

    from skyreels_cli.cli.picture_view import film_row, may_draw
    from skyreels_cli.cli.show_view import subject_view
    from skyreels_cli.film.index.frames import preview_of

    playable = preview_of(subject.film) if subject.film and may_draw(out) else None
    row = film_row(playable[0], out.console(sys.stdout).width - 1) if playable else []
    return Group(*row, subject_view(subject))
