"""Frames into a file as they appear, so that memory is flat in the length of the film."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
import numpy.typing as npt
from av import Packet, VideoFrame
from av.container import OutputContainer
from av.video.stream import VideoStream

from skyreels_cli.media.codecs import ENCODERS, LEADS, Coding, muxer_options, muxer_tag
from skyreels_cli.media.comment import fits_comment
from skyreels_cli.media.failure import unwritable
from skyreels_cli.media.filters import FilterChain
from skyreels_cli.media.priority import priority_kept


class VideoEncoder:
    """A video file being written; use it as a context manager, which aborts if an exception passes through.

    The container follows the suffix of `path`; a missing folder is made, an existing file replaced. Frame n is shown
    at n / fps. `comment` goes into the comment tag, `frames` counts what was written.
    """

    def __init__(
        self, path: Path, *, width: int, height: int, fps: int | Fraction, coding: Coding, comment: str | None = None
    ) -> None:
        self.path = path
        self.frames = 0
        self._packets = 0
        self._shape = (height, width, 3)
        self._tick = 1 / Fraction(fps)
        self._coding = coding
        self._chain = FilterChain(coding.filters)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells its settings on the terminal otherwise
        self._container: OutputContainer | None = av.open(f"file:{path}", "w", container_options=muxer_options(path))
        if comment is not None and fits_comment(comment, path):
            self._container.metadata["comment"] = comment
        self._stream: VideoStream | None = None

    def write(self, frames: npt.NDArray[np.uint8]) -> None:
        """Append RGB frames of shape (n, height, width, 3); SkyreelsError `encode-failed` or `disk-full`."""
        if frames.dtype != np.uint8 or frames.shape[1:] != self._shape:
            raise ValueError(f"frames are {frames.dtype} {frames.shape}, not uint8 (n, {self._shape})")
        for frame in frames:
            self.write_frame(VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))

    def write_frame(self, frame: VideoFrame, number: int | None = None) -> None:
        """Append a decoded frame that the coding's filters expect; `number` says where, if some are left out."""
        if self._container is None:
            raise ValueError(f"the encoder of {self.path} is closed")
        frame.pts, frame.time_base = self.frames if number is None else number, self._tick
        frame.pict_type = 0  # whether it is a key frame is for this encoder to say
        self._encode(self._chain.push(frame))
        self.frames += 1

    def close(self) -> None:
        """Finish the file; SkyreelsError `encode-failed` or `disk-full` if that cannot be done."""
        if self._container is None:
            return
        self._encode(self._chain.end())
        try:
            if self._stream is not None:
                self._mux(self._container, self._stream.encode(None))
            self._container.close()
        except (av.FFmpegError, ValueError) as error:
            self.abort()
            raise unwritable(self.path, error, "encode-failed") from error
        self._container = None

    def abort(self) -> None:
        """Remove the unfinished file; what is already closed stays."""
        if self._container is None:
            return
        with suppress(av.FFmpegError):
            self._container.close()
        self._container = None
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _encode(self, frames: Iterable[VideoFrame]) -> None:
        assert self._container is not None
        try:
            for frame in frames:
                if self._stream is None:
                    self._stream = self._begun(self._container, frame)
                self._mux(self._container, self._stream.encode(frame))
        except (av.FFmpegError, ValueError) as error:
            self.abort()
            raise unwritable(self.path, error, "encode-failed") from error

    def _mux(self, container: OutputContainer, packets: Iterable[Packet[VideoStream]]) -> None:
        """Write packets, their decoding times counted: x265 makes them up for films of one or two frames."""
        for packet in packets:
            packet.dts, packet.duration = self._packets - LEADS[self._coding.codec], 1
            self._packets += 1
            container.mux_one(packet)

    def _begun(self, container: OutputContainer, frame: VideoFrame) -> VideoStream:
        """The stream for frames like this one."""
        coding = self._coding
        options = dict(coding.options)
        added = container.add_stream(ENCODERS[coding.codec], rate=1 / self._tick, options=options, time_base=self._tick)
        stream = cast(VideoStream, added)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
        context, colour = stream.codec_context, coding.colour
        context.color_range = 2 if colour.full_range else 1
        context.colorspace, context.color_primaries, context.color_trc = colour[1:]
        if coding.pixel_aspect:
            context.sample_aspect_ratio = coding.pixel_aspect
        if tag := muxer_tag(coding.codec, self.path):
            context.codec_tag = tag
        with priority_kept():
            context.open(strict=False)
        return stream
