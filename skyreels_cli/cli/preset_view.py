"""Presets as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyreels_cli.recipe.rerolls import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.recipe.presets.compare import Difference
    from skyreels_cli.recipe.presets.find import Listed
    from skyreels_cli.recipe.sharing.incoming import Incoming

LONGEST = 70


def list_view(presets: Sequence[Listed]) -> RenderableType:
    """Draw each preset with where it lies and what it is for."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("preset", "from", "what it is for"):
        table.add_column(title, no_wrap=title != "what it is for")
    for preset in presets:
        purpose = preset.title or preset.description.partition("\n")[0]
        broken = f"broken: {preset.problem}".partition("\n")[0] if preset.problem else ""
        table.add_row(preset.name, preset.origin, broken or purpose)
    return table


def origin_view(origins: Mapping[str, tuple[Any, str]]) -> RenderableType:
    """Draw each value beside the file and line that set it."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("key", "value", "from"):
        table.add_column(title, overflow="fold")
    for key, (value, where) in origins.items():
        table.add_row(key, short(shown(key, value)), where)
    return table


def diff_view(first: str, second: str, found: Sequence[Difference]) -> RenderableType:
    """Draw what two presets say differently, side by side."""
    from rich.table import Table

    if not found:
        return f"{first} and {second} say the same"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("key", short(first), short(second)):
        table.add_column(title, overflow="fold")
    for each in found:
        table.add_row(each.key, *(short(shown(each.key, value)) for value in (each.first, each.second)))
    return table


def as_word(value: Any) -> str:
    """A value as people write it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def short(value: Any) -> str:
    """A value in one line that is not too long."""
    text = "" if value is None else " ".join(as_word(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def incoming_lines(found: Incoming, path: Path) -> Iterator[str]:
    """What importing a preset will do, line by line."""
    from skyreels_cli.recipe.presets.preset import ABOUT

    said = found.preset.plain()
    about = {key: said[key] for key in ABOUT if key in said and key not in ("requires", "thumbnail")}
    yield from (f"{key}: {short(value)}" for key, value in about.items())
    sets = [key for key in said if key not in (*ABOUT, "schema")]
    yield f"it sets: {', '.join(f'{key} {short(shown(key, said[key]))}' for key in sets) or 'nothing'}"
    for name, content in found.files.items():
        yield f"with the file {name}, {len(content):,} bytes"
    for name in found.missing:
        yield f"without the file {name}, which did not come along: give one by --image, --end-image or --video-path"
    for missing in found.unmet:
        yield f"it needs {missing.message}: {missing.command}"
    yield f"it will {'replace' if path.exists() else 'be'} {path}"
