"""Nothing that a stranger wrote makes the terminal do something: every line of the dashboard passes here."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from skyreels_cli.output import harmless


class HarmlessLines(LineFilter):
    """Textual's hook for drawn lines: takes control characters and direction marks out of their text.

    A terminal's own pictures are such sequences; they come without a style, which no text of ours does. They are let
    through where there are `pictures`.
    """

    def __init__(self, *, pictures: bool) -> None:
        super().__init__()
        self._pictures = pictures

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments with harmless text."""
        return [self._clean(segment) for segment in segments]

    def _clean(self, segment: Segment) -> Segment:
        if segment.control or (self._pictures and not segment.style):
            return segment
        text = harmless(segment.text)
        return segment if text == segment.text else Segment(text, segment.style)
