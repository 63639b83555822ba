"""`skyreels extend`: a video goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument

from skyreels_cli.cli.generate import generate
from skyreels_cli.cli.options import FilmOptions, PlanOptions, WatchOptions
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output


def extend(
    out: Output,
    *,
    clip: Annotated[Path, Argument(metavar="VIDEO", help="The video that goes on.", show_default=False)],
    text: Annotated[
        str | None, Argument(metavar="PROMPT", help="What comes next; a video of ours knows its own.")
    ] = None,
    film: FilmOptions,
    only: PlanOptions,
    watch: WatchOptions,
) -> None:
    """Go on with a video: new frames behind its last one, in its size and rate, its sound kept.

    Its stream is copied as it is where new frames can follow it, else encoded once more.
    """
    if film.recipe.video:
        raise UsageError("usage", "the video is given twice, as VIDEO and as --video-path", "leave one of them out")
    film = replace(film, recipe=replace(film.recipe, video=str(clip)))
    generate(out, text=text, film=film, only=only, watch=watch)
