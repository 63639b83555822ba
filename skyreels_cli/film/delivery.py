"""How the frames of a film are encoded piece by piece, and how the pieces become the finished file."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

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
        """Find out what has to be known before the first frame is encoded."""
        ...

    @property
    def shape(self) -> Shape:
        """What the finished file is like; known once `begin` is through."""
        ...

    @property
    def piece_suffix(self) -> str:
        """The container of pieces: `.mp4`, `.mkv` or `.ts`."""
        ...

    def encoder(self, path: Path) -> VideoEncoder:
        """An encoder for the frames of a piece."""
        ...

    def join(self, pieces: Sequence[Piece], output: Path, comment: str) -> None:
        """Write the finished file with a comment tag and check it; SkyreelsError `join-failed` if it is not whole."""
        ...


class NewFilm:
    """The `Delivery` of a film that begins with its first window: its pieces are all of it."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.shape = Shape(recipe.width, recipe.height, recipe.fps, 0)
        self.piece_suffix = piece_suffix(recipe.codec)

    def begin(self) -> Generator[Event]:
        """Nothing: the recipe says it all."""
        yield from ()

    def encoder(self, path: Path) -> VideoEncoder:
        """An encoder with the recipe's codec and quality."""
        recipe = self._recipe
        coding = film_coding(recipe.codec, recipe.quality)
        return VideoEncoder(path, width=recipe.width, height=recipe.height, fps=self.shape.fps, coding=coding)

    def join(self, pieces: Sequence[Piece], output: Path, comment: str) -> None:
        """Copy the pieces' packets one behind the other."""
        join_pieces(pieces, self.shape.fps, output, comment)
