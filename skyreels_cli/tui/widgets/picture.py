"""The newest frame: in half-blocks, two pixels per character, or in pixels where the terminal has graphics."""

from __future__ import annotations

from typing import Any

from PIL import Image
from textual.app import ComposeResult
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from skyreels_cli.media.drawing import fit, half_blocks, shades
from skyreels_cli.media.reader import Frame
from skyreels_cli.tui.graphics import Graphics


class Picture(Widget):
    """A frame, as large as its place allows; in shades of ink where colours are not wanted."""

    def __init__(self, graphics: Graphics | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._pixels: Any = graphics() if graphics else None
        self.border_title = "newest frame"
        self._frame: Frame | None = None
        self._drawn_for = Size(0, 0)
        self._strips: list[Strip] = []

    def compose(self) -> ComposeResult:
        """The terminal's own picture, if it can show one, lies over the characters."""
        if self._pixels:
            yield self._pixels

    def show(self, frame: Frame | None) -> None:
        """Draw another frame; None draws nothing."""
        if self._pixels:
            self._pixels.image = None if frame is None else Image.fromarray(frame)
            return
        self._frame = frame
        self._drawn_for = Size(0, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of cells, in the middle of the place."""
        if self._drawn_for != self.size:
            self._drawn_for = self.size
            self._strips = self._draw()
        top = (self.size.height - len(self._strips)) // 2
        blank = Strip.blank(self.size.width, self.rich_style)
        if not top <= y < top + len(self._strips):
            return blank
        strip = self._strips[y - top]
        left = (self.size.width - strip.cell_length) // 2
        return Strip.join([blank.crop(0, left), strip, blank.crop(0, self.size.width - left - strip.cell_length)])

    def _draw(self) -> list[Strip]:
        if self._frame is None or not self.size.area:
            return []
        columns, rows = fit(self._frame, *self.size)
        if self.app.no_color:
            return [Strip(line).apply_style(self.rich_style) for line in shades(self._frame, columns, rows)]
        return [Strip(line) for line in half_blocks(self._frame, columns, rows)]
