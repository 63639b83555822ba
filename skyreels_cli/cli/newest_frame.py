"""The newest frame of a film that is being made, drawn above its progress."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

ROWS = 12


class NewestFrame:
    """Reads the film's preview whenever that has grown; in half-blocks, for a picture in pixels cannot be redrawn."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._seen: tuple[Path, float] | None = None
        self._drawn: RenderableType | None = None

    def draw(self, columns: int) -> list[RenderableType]:
        """The frame, at most so wide; nothing before the first window is finished."""
        from skyreels_cli.cli.picture_view import CellPicture
        from skyreels_cli.film.index.frames import last_frame, preview_of
        from skyreels_cli.media.drawing import fit

        there = preview_of(self._output)
        if there and there != self._seen and there[0] != self._output:
            self._seen = there
            if (frame := last_frame(there[0])) is not None:
                self._drawn = CellPicture(frame, *fit(frame, columns, ROWS))
        return [self._drawn] if self._drawn is not None else []
