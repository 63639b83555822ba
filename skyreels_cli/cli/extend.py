"""`skyreels extend`: a video goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from skyreels_cli.cli.generate import PLAN, generate
from skyreels_cli.cli.options import FileOptions, LaterOptions, MachineOptions, RecipeOptions
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output


def extend(
    out: Output,
    *,
    clip: Annotated[Path, Argument(metavar="VIDEO", help="The video that goes on.", show_default=False)],
    text: Annotated[
        str | None, Argument(metavar="PROMPT", help="What comes next; a video of ours knows its own.")
    ] = None,
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
    """Go on with a video: new frames behind its last one, in its size and rate, its sound kept.

    Its stream is copied as it is where new frames can follow it, else encoded once more.
    """
    if recipe.video:
        raise UsageError("usage", "the video is given twice, as VIDEO and as --video-path", "leave one of them out")
    generate(
        out,
        text=text,
        recipe=replace(recipe, video=str(clip)),
        later=later,
        file=file,
        machine=machine,
        dry_run=dry_run,
        explain=explain,
    )
