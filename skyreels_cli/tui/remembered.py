"""What the dashboard remembers from one time to the next: how it looks and what it lists."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from skyreels_cli.queue.store import Sort
from skyreels_cli.tui.view import FILTERS, SORTS, Wanted

FILE = "dashboard.json"
DEFAULT_THEME = "textual-dark"


@dataclass(frozen=True)
class Remembered:
    """The theme's name, the group of states that is listed, and its order."""

    theme: str = DEFAULT_THEME
    states: str = Wanted.states
    sort: Sort = Wanted.sort
    descending: bool = Wanted.descending

    @property
    def wanted(self) -> Wanted:
        """The list as it was left."""
        return Wanted(states=self.states, sort=self.sort, descending=self.descending)

    @classmethod
    def of(cls, theme: str, wanted: Wanted) -> Remembered:
        """As it is now."""
        return cls(theme, wanted.states, wanted.sort, wanted.descending)


def recall(folder: Path) -> Remembered:
    """What was kept in the queue's folder; the defaults for what is not there or is nonsense."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Remembered()
    known = Remembered()
    if not isinstance(said, dict):
        return known
    if isinstance(said.get("theme"), str):
        known = replace(known, theme=said["theme"])
    if said.get("states") in FILTERS and said.get("sort") in SORTS:
        known = replace(known, states=said["states"], sort=said["sort"], descending=said.get("descending") is True)
    return known


def keep(folder: Path, remembered: Remembered) -> None:
    """Write it down; a disk that is full or read-only loses it."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(asdict(remembered)) + "\n", encoding="utf-8")
