"""A film that goes on with a video: its last frames lead to the first window, and the new frames are put behind it.

What has to be known of the video is settled once and kept in the work folder, so that going on with an interrupted
film needs the video itself only at the end, where it must be the same file still:

    video.json                what was settled, and the video's checksum
    tail.safetensors          its last frames, at the film's size
    video.mp4                 only if new frames cannot follow its stream: the video, encoded once more
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.delivery import Shape
from skyreels_cli.film.events import Event, StageStarted
from skyreels_cli.film.folder.durable import replacing, sha256, write_json
from skyreels_cli.film.folder.tensor_tree import load_tree, save_tree
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.media.codecs import Coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import Piece, join_behind, piece_suffix
from skyreels_cli.media.matching import can_be_followed, following_coding, reencode
from skyreels_cli.media.reader import read_tail
from skyreels_cli.media.video import Video, steady_video
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.size import picture_within

RECORD, TAIL = "video.json", "tail.safetensors"
TRIAL_FRAMES = 2


class ContinuedFilm:
    """The `Delivery` of a film with a video before it; `output` tells the container of the finished file."""

    def __init__(self, recipe: Recipe, work: WorkFolder, output: Path) -> None:
        assert recipe.video is not None
        self._recipe = recipe
        self._work = work
        self._output = output
        self._video = Path(recipe.video)
        self._settled: dict[str, Any] = {}

    def begin(self) -> Generator[Event]:
        """Take up what an earlier process settled, or look at the video and try whether frames can follow it."""
        if self._work.manifest:
            self._settled = self._work.record(RECORD) or {}
        if not self._settled:
            yield StageStarted("reading the video")
            yield from self._settle()

    @property
    def shape(self) -> Shape:
        """See `Delivery.shape`; size and rate are those of the video."""
        width, height, before = (self._settled[key] for key in ("width", "height", "frames"))
        return Shape(width, height, Fraction(self._settled["fps"]), before)

    @property
    def piece_suffix(self) -> str:
        """See `Delivery.piece_suffix`."""
        return str(self._settled["suffix"])

    def tail(self) -> Tensor:
        """See `Delivery.tail`."""
        frames: Tensor = load_tree(self._work.path / TAIL)["frames"]
        return frames

    def encoder(self, path: Path) -> VideoEncoder:
        """See `Delivery.encoder`."""
        return self._encoder(path, Fraction(self._settled["fps"]), Coding.from_data(self._settled["coding"]))

    def join(self, pieces: Sequence[Piece], output: Path, comment: str) -> None:
        """See `Delivery.join`; SkyreelsError `video-changed` if the video is no longer what it was."""
        if not self._video.is_file() or sha256(self._video) != self._settled["sha256"]:
            raise SkyreelsError(
                "video-changed",
                f"{self._video} is no longer the file that the new frames follow; they are kept in {self._work.path}",
                "put it back, then run the same command again",
            )
        video = steady_video(self._video)
        reencoded = self._settled["reencoded"]
        source = steady_video(self._work.path / reencoded) if reencoded else video
        join_behind(source, video, pieces, output, comment)

    def _settle(self) -> Generator[Event]:
        """Keep the tail; then try the end of the film on a few frames, and encode the video anew if that fails."""
        video = steady_video(self._video)
        tail = self._read_tail(video)
        with replacing(self._work.path / TAIL) as partial:
            save_tree(partial, {"frames": torch.from_numpy(tail)})
        files = [TAIL]
        problem = self._try(video, video, tail)
        source = video
        if problem:
            yield StageStarted(f"encoding the video once more ({problem})")
            source = self._reencode(video)
            files.append(source.path.name)
            if problem := self._try(source, video, tail):
                raise SkyreelsError("join-failed", problem, f"-o {quote(str(self._output.with_suffix('.mkv')))}")
        self._settled = {
            "sha256": sha256(self._video),
            "frames": video.frames,
            "width": source.shown_size[0],
            "height": source.shown_size[1],
            "fps": str(source.fps),
            "suffix": piece_suffix(source.codec),
            "coding": self._coding(source).as_data(),
            "reencoded": source.path.name if source is not video else None,
            "files": {name: sha256(self._work.path / name) for name in files},
        }
        write_json(self._work.path / RECORD, self._settled)

    def _read_tail(self, video: Video) -> npt.NDArray[np.uint8]:
        """The last frames at the film's size: scaled, never stretched, mirrored at the edges where it has more."""
        inner = picture_within(self._film, video.shown_size)
        frames = read_tail(video, self._recipe.overlap_history, *inner)
        across, down = (_margins(whole, part) for whole, part in zip(self._film, inner, strict=True))
        return np.pad(frames, ((0, 0), down, across, (0, 0)), mode="symmetric")

    def _try(self, source: Video, sound: Video, tail: npt.NDArray[np.uint8]) -> str | None:
        """Why frames cannot follow this stream in the file that is wanted; None if they can."""
        if not can_be_followed(source, self._recipe.codec):
            return f"from {source.codec} to {self._recipe.codec}"
        with tempfile.TemporaryDirectory(prefix="trial-", dir=self._work.path) as scratch:
            piece = Path(scratch) / f"piece{piece_suffix(source.codec)}"
            try:
                with self._encoder(piece, source.fps, self._coding(source)) as encoder:
                    encoder.write(tail[-TRIAL_FRAMES:])
                joined = Path(scratch) / f"joined{self._output.suffix}"
                join_behind(source, sound, [(piece, encoder.frames)], joined, comment="")
            except SkyreelsError as error:
                if error.code not in ("join-failed", "encode-failed"):
                    raise
                return error.message
        return None

    def _reencode(self, video: Video) -> Video:
        path = self._work.path / f"video{piece_suffix(self._recipe.codec)}"
        with replacing(path) as partial:
            reencode(video, partial, self._recipe.codec, self._recipe.quality)
        return steady_video(path)

    def _encoder(self, path: Path, fps: Fraction, coding: Coding) -> VideoEncoder:
        width, height = self._film
        return VideoEncoder(path, width=width, height=height, fps=fps, coding=coding)

    def _coding(self, source: Video) -> Coding:
        inner = picture_within(self._film, source.shown_size)
        return following_coding(source, self._film, inner, self._recipe.quality)

    @property
    def _film(self) -> tuple[int, int]:
        return self._recipe.width, self._recipe.height


def _margins(whole: int, part: int) -> tuple[int, int]:
    return (whole - part) // 2, whole - part - (whole - part) // 2
