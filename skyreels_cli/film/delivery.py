"""How the frames of a film leave for its pieces, and how the pieces become a file."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

from torch import Tensor

from skyreels_cli.film.events import Event
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import Piece, join_pieces, piece_suffix
from skyreels_cli.recipe.schema import Recipe


class Shape(NamedTuple):
    """What the finished file is like, apart from the new frames: `before` frames come first."""

    width: int
    height: int
    fps: Fraction
    before: int


class Delivery(Protocol):
    """From frames to a finished file."""

    def begin(self) -> Generator[Event]:
        """Settle what has to be known before the first frame."""
        ...

    @property
    def shape(self) -> Shape:
        """See `Shape`."""
        ...

    @property
    def piece_suffix(self) -> str:
        """The container of pieces."""
        ...

    def tail(self) -> Tensor | None:
        """Frames that lead to the first window, uint8 `(n, H, W, 3)`, if there are any."""
        ...

    def encoder(self, path: Path) -> VideoEncoder:
        """Where the frames of a piece go."""
        ...

    def join(self, pieces: Sequence[Piece], output: Path, comment: str) -> None:
        """Write the finished file and check it."""
        ...


class NewFilm:
    """A film that begins with its first window."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.shape = Shape(recipe.width, recipe.height, recipe.fps, 0)
        self.piece_suffix = piece_suffix(recipe.codec)

    def begin(self) -> Generator[Event]:
        """See `Delivery.begin`."""
        yield from ()

    def tail(self) -> Tensor | None:
        """See `Delivery.tail`."""
        return None

    def encoder(self, path: Path) -> VideoEncoder:
        """See `Delivery.encoder`."""
        recipe = self._recipe
        coding = film_coding(recipe.codec, recipe.quality)
        return VideoEncoder(path, width=recipe.width, height=recipe.height, fps=self.shape.fps, coding=coding)

    def join(self, pieces: Sequence[Piece], output: Path, comment: str) -> None:
        """See `Delivery.join`."""
        join_pieces(pieces, self.shape.fps, output, comment)
