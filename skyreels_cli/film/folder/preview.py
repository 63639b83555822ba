"""The film so far, playable while the rest is being made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.folder.durable import replacing
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.media.join import Piece, join_pieces, piece_suffix

REST = 50
"""A preview is left alone for so many times what writing it took: all of them cost at most 2 % of the time."""


class Preview:
    """Keeps `preview.mp4` (`.mkv` for ffv1) at the last finished window; losing it costs nothing.

    Windows of seconds come too fast for each to be shown, and the preview of a long film is long to copy.
    """

    def __init__(self, work: WorkFolder, codec: str) -> None:
        self._path = work.path / f"preview{piece_suffix(codec)}"
        self._due = 0.0

    def show(self, pieces: Sequence[Piece], fps: Fraction) -> None:
        """Replace the preview by these pieces, if it is time."""
        started = time.monotonic()
        if started < self._due:
            return
        try:
            with replacing(self._path) as partial:
                join_pieces(pieces, fps, partial)
        except (OSError, SkyreelsError):
            pass  # the film itself is safe; it will say so if the disk is in trouble
        now = time.monotonic()
        self._due = now + REST * (now - started)
