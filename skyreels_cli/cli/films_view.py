"""Films as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skyreels_cli.output import clock

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.film.index.found import FoundFilm

SHOWN_COMMANDS = 3
"""Unfinished films whose command is written out; the others' are alike."""


def films_view(films: Sequence[FoundFilm], total: int) -> RenderableType:
    """Draw a line per film, and below how the newest unfinished ones go on."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not films:
        return 'no films there: skyreels generate "a red ball rolls over water" makes one'
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("when", "length", "model", "film"):
        justify: Literal["left", "right"] = "right" if title == "length" else "left"
        table.add_column(title, no_wrap=title != "film", justify=justify)  # so only this one gives way
    for film in films:
        prompt = Text(" ".join(film.prompt.split()) or Path(film.path).name, no_wrap=True, overflow="ellipsis")
        table.add_row(_when(film.made), _length(film), film.model[-14:], prompt, style=_style(film))
        tags = ("".join(f" #{tag}" for tag in film.tags), "cyan")
        name = Text.assemble((f"  {_name(film)}", "dim"), tags, no_wrap=True, overflow="ellipsis")
        table.add_row("", "", "", name)
    commands = [f"go on: {film.resume}" for film in films if film.resume][:SHOWN_COMMANDS]
    more = [f"… and {total - len(films):,} more (--limit N shows them)"] if total > len(films) else []
    return Group(table, *more, *commands)


def _when(moment: float) -> str:
    when, now = datetime.fromtimestamp(moment).astimezone(), datetime.now().astimezone()
    return f"{when:%H:%M}" if when.date() == now.date() else f"{when:%d %b %Y}"


def _length(film: FoundFilm) -> str:
    if film.state == "finished":
        return clock(film.duration_s or 0)
    total = "…" if film.windows is None else str(film.windows)
    return f"{film.windows_done}/{total} windows"


def _style(film: FoundFilm) -> str:
    return {"finished": "", "unfinished": "yellow", "rendering": "green"}[film.state]


def _name(film: FoundFilm) -> str:
    """The path as short as it can be said from here."""
    path = Path(film.path)
    return path.name if path.parent == Path.cwd() else film.path
