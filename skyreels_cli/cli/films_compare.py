"""`skyreels films compare`: two films side by side: frames, what they were made from, and their drift."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from skyreels_cli.cli.film_names import film_named, film_names
from skyreels_cli.cli.show_view import DRIFTS
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.recipe.presets.compare import Difference

COMPARED = ("recipe", "model", "inputs", "libraries", "version", "video")


def compare(
    out: Output,
    *,
    first: Annotated[str, Argument(metavar="A", autocompletion=film_names, help="A film, or last.")],
    second: Annotated[str, Argument(metavar="B", autocompletion=film_names, help="Another one.")],
) -> None:
    """Show two films side by side: frames, settings that differ, drift, and how far they are the same."""
    from skyreels_cli.cli.show_subject import film_facts
    from skyreels_cli.media.cut import frames_in_common
    from skyreels_cli.recipe.presets.compare import differences

    films = film_named(first), film_named(second)
    made = [film_facts(film) for film in films]
    same = frames_in_common(*films)
    some, others = ({name: each[name] for name in COMPARED if name in each} for each in made)
    found = differences(some, others)
    drifts = [_change_of_look(each.get("looks") or ()) for each in made]
    data: dict[str, Any] = {
        "films": [str(film) for film in films],
        "same_frames": same,
        "differences": [{"key": each.key, "a": each.first, "b": each.second} for each in found],
        "drift": drifts,
    }
    out.result(data, str(same), lambda: _view(films, same, found, drifts, out))


def _change_of_look(looks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """How the last window's look differs from the first one's; empty where that is not known."""
    if len(looks) < 2 or not all(name in look for look in (looks[0], looks[-1]) for name in DRIFTS):
        return {}
    return {name: looks[-1][name] - looks[0][name] for name in DRIFTS}


def _view(
    films: tuple[Path, Path], same: int, found: Sequence[Difference], drifts: Sequence[Mapping[str, float]], out: Output
) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    from skyreels_cli.cli.picture_view import film_row, may_draw
    from skyreels_cli.cli.preset_view import short
    from skyreels_cli.recipe.rerolls import shown

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", films[0].name, films[1].name):
        table.add_column(title, overflow="fold")
    for each in found:
        values = (short(shown(each.key, value)) for value in (each.first, each.second))
        table.add_row(each.key.removeprefix("recipe."), *values)
    for name in DRIFTS:
        table.add_row(f"drift {name}", *(f"{100 * drift[name]:+z.1f} %" if drift else "" for drift in drifts))
    columns = out.console(sys.stdout).width - 1
    rows = [part for film in films for part in film_row(film, columns)] if may_draw(out) else []
    told = f"the first {same} frames are the same, byte for byte" if same else "they differ from the first frame on"
    return Group(*rows, told, "", table)
