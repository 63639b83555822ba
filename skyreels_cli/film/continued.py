"""A film that goes on with a video: its last frames lead to the first window, and the new frames are put behind it.

The video is examined once, and what was found is kept in the work folder, so that going on with an interrupted film
needs the video itself only at the end, where it must be the same file still:

    video.json                what was found, and the video's checksum
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

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.delivery import Shape
from skyreels_cli.film.events import Event, StageStarted
from skyreels_cli.film.folder.durable import replacing, sha256, write_json
from skyreels_cli.film.folder.video_tail import VideoTail
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.media.codecs import Coding
from skyreels_cli.media.companions import misfits
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import Piece, join_behind, piece_suffix
from skyreels_cli.media.matching import can_be_followed, following_coding, reencode
from skyreels_cli.media.reader import read_tail
from skyreels_cli.media.video import Video, steady_video
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.size import picture_within

RECORD = "video.json"
TRIAL_FRAMES = 2


class ContinuedFilm:
    """The `Delivery` of a film with a video before it; the container of the finished file is that of `output`.

    The video's last frames are written to `tail`.
    """

    def __init__(self, recipe: Recipe, work: WorkFolder, output: Path, tail: VideoTail) -> None:
        assert recipe.video is not None
        self._recipe = recipe
        self._work = work
        self._output = output
        self._tail = tail
        self._video = Path(recipe.video)
        self._found: dict[str, Any] = {}

    def begin(self) -> Generator[Event]:
        """Take up what an earlier process has found, or read the video and try whether frames can follow it."""
        if self._work.manifest:
            self._found = self._work.record(RECORD) or {}
        if not self._found:
            yield StageStarted("reading the video")
            yield from self._examine()

    @property
    def shape(self) -> Shape:
        """Size and rate of the video, whose frames come before the new ones."""
        width, height, before = (self._found[key] for key in ("width", "height", "frames"))
        return Shape(width, height, Fraction(self._found["fps"]), before)

    @property
    def piece_suffix(self) -> str:
        """A container whose packets can be put behind those of the video."""
        return str(self._found["suffix"])

    def encoder(self, path: Path) -> VideoEncoder:
        """An encoder that makes the stream which the video has."""
        return self._encoder(path, Fraction(self._found["fps"]), Coding.from_data(self._found["coding"]))

    def join(self, pieces: Sequence[Piece], output: Path, comment: str) -> None:
        """Put the pieces' packets behind the video's; SkyreelsError `video-changed` if it is no longer what it was."""
        if not self._video.is_file() or sha256(self._video) != self._found["sha256"]:
            raise SkyreelsError(
                "video-changed",
                f"{self._video} is no longer the file that the new frames follow; they are kept in {self._work.path}",
                "put it back, then run the same command again",
            )
        video = steady_video(self._video)
        reencoded = self._found["reencoded"]
        source = steady_video(self._work.path / reencoded) if reencoded else video
        join_behind(source, video, pieces, output, comment)

    def _examine(self) -> Generator[Event]:
        """Keep the tail; then try the end of the film on a few frames, and encode the video anew if that fails."""
        video = steady_video(self._video)
        self._check_sound()
        tail = self._read_tail(video)
        self._tail.write(tail)
        files = [self._tail.path.name]
        problem = self._try(video, video, tail)
        source = video
        if problem:
            yield StageStarted(f"encoding the video once more ({problem})")
            source = self._reencode(video)
            files.append(source.path.name)
            if problem := self._try(source, video, tail):
                raise SkyreelsError("join-failed", problem, f"-o {quote(str(self._output.with_suffix('.mkv')))}")
        self._found = {
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
        write_json(self._work.path / RECORD, self._found)

    def _check_sound(self) -> None:
        """Raise `join-failed` if the container cannot hold the sound, which nobody wants to lose."""
        if lost := misfits(self._video, self._output, ("audio",)):
            other = self._output.with_suffix(".mkv")
            cure = f"-o {quote(str(other))}"
            if misfits(self._video, other, ("audio",)):
                copy = quote(str(self._video.with_suffix(".mkv")))
                cure = f"ffmpeg -i {quote(str(self._video))} -c:v copy -c:a aac {copy}, and extend that"
            message = f"{self._output.suffix} cannot hold the video's sound: {', '.join(lost)}"
            raise SkyreelsError("join-failed", message, cure)

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
