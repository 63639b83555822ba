"""Pieces of a film, and a video before them, into one file without encoding them again: its times are counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any

import av
from av import Packet
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.codecs import LEADS, muxer_options, muxer_tag
from skyreels_cli.media.comment import fits_comment
from skyreels_cli.media.companions import Companions
from skyreels_cli.media.failure import unwritable
from skyreels_cli.media.reader import tail_hashes
from skyreels_cli.media.times import Timeline
from skyreels_cli.media.video import OURS, Video, main_stream, open_video, opened

Piece = tuple[Path, int]
"""A file of frames at a constant rate, the first of them at 0, and their number."""

COMPARED_FRAMES = 17
"""Frames before the join that are decoded from the video and from the result, and must be the same."""
START_CODES = {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}
"""Filters that put a stream's headers before its key frames: one file can then hold several streams' frames."""


def piece_suffix(codec: str) -> str:
    """The container for pieces: mp4, or mkv for ffv1, which mp4 cannot hold."""
    return ".mkv" if codec == "ffv1" else ".mp4"


def join_pieces(pieces: Sequence[Piece], fps: Fraction, output: Path, comment: str | None = None) -> None:
    """Write one film from pieces of one codec and size; frame n is shown at n / fps.

    Raises SkyreelsError `join-failed` unless all frames are in it, each at its time, and `disk-full`.
    """
    _write(pieces, fps, output, comment)
    joined = open_video(output)
    count = sum(frames for _, frames in pieces)
    if joined.frames != count or not joined.times.even(fps):
        raise SkyreelsError("join-failed", f"{count} frames went into {output}, and {joined.frames} came out")


def join_behind(video: Video, sound: Video, pieces: Sequence[Piece], output: Path, comment: str) -> None:
    """Write the video and, behind it, the pieces; sound, subtitles, cover and tags come from `sound`, unchanged.

    Raises SkyreelsError `join-failed` if the result is not, frame for frame, the one and then the others.
    """
    _write(pieces, video.fps, output, comment, video, sound)
    if problem := _find_problem(video, pieces, output):
        raise SkyreelsError("join-failed", f"new frames could not be joined to {video.path}: {problem}")


def _write(
    pieces: Sequence[Piece],
    fps: Fraction,
    output: Path,
    comment: str | None,
    before: Video | None = None,
    sound: Video | None = None,
) -> None:
    with ExitStack() as stack:
        try:
            film = stack.enter_context(av.open(f"file:{output}", "w", container_options=muxer_options(output)))
            writer = _Pictures(film, output, fps, before, sound)
            first = before.path if before else pieces[0][0]
            writer.begin(first, pieces[0][0])
            packets: list[Iterator[Packet[Stream]]] = [writer.packets(pieces)]
            if sound:
                companions = stack.enter_context(Companions.of(sound, film))
                packets.append(companions.packets())
            if comment is not None and fits_comment(comment, output):
                film.metadata["comment"] = comment
            for packet in merge(*packets, key=_decoded_at):
                film.mux_one(packet)
            film.close()
        except (av.FFmpegError, ValueError) as error:
            raise unwritable(output, error, "join-failed") from error


def _decoded_at(packet: Packet[Stream]) -> float:
    return float((packet.dts or 0) * packet.time_base)


class _Pictures:
    """The pictures' stream of a film that is being joined."""

    def __init__(
        self, film: OutputContainer, output: Path, fps: Fraction, before: Video | None, sound: Video | None
    ) -> None:
        self._film, self._output, self._fps, self._before = film, output, fps, before
        start = sound.times.seconds(0) - sound.start if sound else Fraction(0)
        self._times = Timeline(fps, before.times if before else None, start)
        self._stream: VideoStream
        self._delay = 0
        self._filter: str | None = None

    def begin(self, first: Path, new: Path) -> None:
        """Make the stream: its headers are those of the first file; where others' differ, frames bring theirs along."""
        with opened(first) as container, opened(new) as other:
            template, piece = main_stream(container, first), main_stream(other, new)
            codec = OURS.get(template.codec_context.name, template.codec_context.name)
            stream = self._film.add_stream_from_template(template, opaque=True)
            if template.codec_context.extradata != piece.codec_context.extradata:
                self._filter = START_CODES.get(codec)
            if self._filter:
                BitStreamFilterContext(self._filter, template, stream)
            self._delay = max(LEADS.get(codec, 0), self._before.times.delay if self._before else 0)
            stream.time_base = self._times.base
            stream.codec_context.framerate = self._fps
            if template.sample_aspect_ratio:
                stream.codec_context.sample_aspect_ratio = template.sample_aspect_ratio
            stream.codec_context.codec_tag = muxer_tag(codec, self._output) or "\0\0\0\0"
            stream.metadata.update(template.metadata)
            self._stream = stream

    def packets(self, pieces: Sequence[Piece]) -> Iterator[Packet[Stream]]:
        """Yield the packets of the video and of all pieces, in order, each with the times of its frame."""
        decoded = shown = 0
        parts = [(self._before.path, self._before.frames), *pieces] if self._before else pieces
        for path, frames in parts:
            for packet, frame in self._numbered(path, shown):
                packet.time_base = self._times.base
                packet.pts, packet.dts = self._times[frame], self._times[decoded - self._delay]
                packet.duration = self._times[frame + 1] - packet.pts
                packet.stream = self._stream
                yield packet
                decoded += 1
            shown += frames

    def _numbered(self, path: Path, shown: int) -> Iterator[tuple[Packet[Stream], int]]:
        """Yield a file's packets, each with the number of its frame in the film, `shown` of which come before."""
        with opened(path) as container:
            stream = main_stream(container, path)
            headers = BitStreamFilterContext(self._filter, stream) if self._filter else None
            old = self._before.times.ticks if self._before and path == self._before.path else ()
            ranks = {tick: rank for rank, tick in reversed(list(enumerate(old)))}
            for packet in container.demux(stream):
                if packet.size:
                    assert packet.pts is not None
                    number = round(packet.pts * packet.time_base * self._fps)
                    if ranks:
                        number = ranks[packet.pts]
                        ranks[packet.pts] += 1  # should two frames have one time, each gets its own
                    filtered: list[Packet[Any]] = headers.filter(packet) if headers else [packet]
                    yield from ((out, shown + number) for out in filtered)


def _find_problem(video: Video, pieces: Sequence[Piece], joined: Path) -> str | None:
    """Compare number, times and content of the frames around the join and behind it."""
    result = open_video(joined)
    new = sum(count for _, count in pieces)
    if result.frames != video.frames + new:
        return f"{result.frames} frames came out, {video.frames} and {new} went in"
    if not result.times.even(video.fps, since=video.frames - 1):
        return "the frames do not follow each other at an even pace"
    old = min(COMPARED_FRAMES, video.frames)
    expected = tail_hashes(video, old)
    for piece, count in pieces:
        expected += tail_hashes(open_video(piece), count)
    return None if tail_hashes(result, old + new) == expected else "decoded frames differ"
