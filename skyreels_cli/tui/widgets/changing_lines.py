"""Text of which only the lines that have changed are drawn anew: on a slow line a whole panel takes a second."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


class ChangingLines(Widget):
    """Lines that do not wrap."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines: list[Content] = []

    def render(self) -> Content:
        """All lines, one below the other."""
        return Content("\n").join(self._lines)

    def draw(self, lines: Iterable[Content]) -> None:
        """Show other lines."""
        before, self._lines = self._lines, list(lines)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        for place, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if not old.is_same(new):
                self.refresh(Region(0, place, self.size.width, 1))
