"""Frames of a film on the terminal: in pixels where it has graphics (kitty, sixel), else in half-blocks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    from skyreels_cli.media.reader import Frame

WIDE = 24
"""Columns for one frame in a row of them."""
MOST_ROWS = 16
"""Rows that a frame alone takes at most, so that what is told of it stays on the screen."""


def may_draw(out: Output) -> bool:
    """Whether pictures may be drawn: on a terminal with colours, for people, and not switched off."""
    from skyreels_cli.settings import load_settings

    return out.pictures and load_settings().pictures


def film_row(film: Path, columns: int, rows: int = 1) -> list[RenderableType]:
    """Frames that stand for a film, side by side, and which they are; nothing if they cannot be read."""
    from skyreels_cli.film.index.frames import small_frames, telling_frames
    from skyreels_cli.media.drawing import tiled
    from skyreels_cli.media.video import open_video

    try:
        video = open_video(film)
        numbers, _ = telling_frames(video)
        across = max(1, min(len(numbers), columns // WIDE))
        chosen = _spread(numbers, across * rows)
        sheet = tiled(list(small_frames(video, chosen)), across)
    except (SkyreelsError, OSError, StopIteration, RuntimeError):
        return []
    said = ", ".join(str(number + 1) for number in chosen)
    return [picture(sheet, columns, MOST_ROWS * rows), f"frames {said} of {video.frames}"]


def picture(frame: Frame, columns: int, rows: int) -> RenderableType:
    """One picture, as large as fits."""
    from skyreels_cli.media.drawing import fit

    size = fit(frame, columns, rows)
    graphics = _graphics()
    if graphics is None:
        return CellPicture(frame, *size)
    from PIL import Image

    drawn: RenderableType = graphics(Image.fromarray(frame), width=size[0], height=size[1])
    return drawn


@dataclass(frozen=True)
class CellPicture:
    """A frame in half-blocks, of so many cells."""

    frame: Frame
    columns: int
    rows: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Draw it row by row."""
        from rich.segment import Segment

        from skyreels_cli.media.drawing import half_blocks

        for row in half_blocks(self.frame, self.columns, self.rows):
            yield from row
            yield Segment.line()


def _graphics() -> Any:
    """What draws pixels on this terminal; None without graphics or without the package textual-image."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    # It warns, with a traceback, of every terminal that does not tell the size of its cells.
    logging.getLogger("textual_image").setLevel(logging.ERROR)
    try:
        from textual_image import renderable
    except Exception:  # noqa: BLE001 - it asks the terminal, and an odd one must not keep a film from being shown
        return None
    best: Any = renderable.Image
    return best if best in (renderable.SixelImage, renderable.TGPImage) else None


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(numbers) <= most:
        return list(numbers)
    return [numbers[place * (len(numbers) - 1) // max(1, most - 1)] for place in range(most)]
