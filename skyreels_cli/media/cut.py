"""Parts of a film without encoding them again, and how far two films are the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import av
from av import Packet
from av.container import InputContainer
from av.video.stream import VideoStream

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.media.codecs import LEADS, muxer_options, muxer_tag
from skyreels_cli.media.failure import unwritable
from skyreels_cli.media.times import Timeline
from skyreels_cli.media.video import Video, main_stream, open_video, opened


def cut(video: Video, first: int, count: int, output: Path) -> None:
    """Write `count` frames from `first` on, which were encoded on their own, to a file of their own.

    Raises SkyreelsError `cut-failed` if the part needs frames outside of it, and `disk-full`.
    """
    try:
        with (
            av.open(f"file:{output}", "w", container_options=muxer_options(output)) as part,
            opened(video.path) as container,
        ):
            stream = part.add_stream_from_template(main_stream(container, video.path), opaque=True)
            for packet in _copied(video, container, first, count, stream, output):
                part.mux_one(packet)
    except (av.FFmpegError, ValueError) as error:
        raise unwritable(output, error, "cut-failed") from error
    if open_video(output).frames != count:
        raise SkyreelsError("cut-failed", f"{video.path} cannot be cut at frame {first + 1}")


def _copied(
    video: Video, container: InputContainer, first: int, count: int, stream: VideoStream, output: Path
) -> Iterator[Packet[VideoStream]]:
    """The packets of a part, each with the time of its frame in it."""
    source = main_stream(container, video.path)
    times, delay = Timeline(video.fps), LEADS.get(video.codec, video.times.delay)
    stream.time_base = times.base
    stream.codec_context.framerate = video.fps
    stream.codec_context.codec_tag = muxer_tag(video.codec, output) or "\0\0\0\0"
    if source.sample_aspect_ratio:
        stream.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
    numbers = {tick: number for number, tick in enumerate(video.times.ticks)}
    part = (packet for packet in container.demux(source) if packet.size)
    inside = (packet for packet in part if first <= numbers[packet.pts or 0] < first + count)
    for decoded, packet in enumerate(inside):
        number = numbers[packet.pts or 0] - first
        packet.time_base = times.base
        packet.pts, packet.dts = times[number], times[decoded - delay]
        packet.duration = times[number + 1] - packet.pts
        packet.stream = stream
        yield packet


def frames_in_common(first: Path, second: Path) -> int:
    """How many frames at the beginning of two films are coded by the very same bytes."""
    with closing(_packets(first)) as some, closing(_packets(second)) as others:
        pairs = zip(some, others, strict=False)
        return sum(1 for _ in takewhile(lambda pair: bytes(pair[0]) == bytes(pair[1]), pairs))


def _packets(path: Path) -> Generator[Packet[VideoStream]]:
    with opened(path) as container:
        yield from (packet for packet in container.demux(main_stream(container, path)) if packet.size)
