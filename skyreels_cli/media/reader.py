"""Frames of a video as RGB: upright, opaque, with square pixels if a size is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import md5
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

import av
import numpy as np
import numpy.typing as npt
from av import VideoFrame

from skyreels_cli.errors import UsageError
from skyreels_cli.media.failure import unreadable
from skyreels_cli.media.filters import EXACT, FilterChain
from skyreels_cli.media.hdr import tone_mapped
from skyreels_cli.media.video import Orientation, Video, main_stream, open_video, opened

BACKGROUND = 255
"""What shows through transparent frames: white, as behind pictures."""

Frame = npt.NDArray[np.uint8]
T = TypeVar("T")


def read_frames(path: Path) -> Iterator[Frame]:
    """Every frame once, in order, as RGB of shape (height, width, 3); one frame in memory at a time."""
    video = open_video(path)
    yield from as_rgb(video, decoded(path), (video.width, video.height))


def read_frame(video: Video, number: int) -> Frame:
    """One frame, counted from 0, at the size in which it is shown."""
    return next(read_some(video, [number]))


def read_some(video: Video, numbers: Sequence[int]) -> Iterator[Frame]:
    """Frames of these numbers, in rising order, at the size in which they are shown; all before them are decoded."""
    wanted = set(numbers)
    frames = (frame for number, frame in enumerate(decoded(video.path)) if number in wanted)
    yield from islice(as_pictures(video, frames, video.shown_size), len(wanted))


def read_tail(video: Video, count: int, width: int, height: int) -> Frame:
    """The last `count` frames as RGB `(count, height, width, 3)`, upright and scaled to that size."""
    frames = _last(video, count, lambda frame: frame)
    return np.stack(list(as_rgb(video, frames, _coded(video, (width, height)))))


def as_rgb(video: Video, frames: Iterable[VideoFrame], size: tuple[int, int]) -> Iterator[Frame]:
    """Frames of a video as RGB arrays, upright, light of HDR as it is coded; `size` is before they are turned."""
    for frame in _converted(video, frames, size, "rgb24"):
        yield turned(cast(Frame, frame.to_ndarray()), video.orientation)


def as_pictures(video: Video, frames: Iterable[VideoFrame], shown: tuple[int, int]) -> Iterator[Frame]:
    """Frames as they look on an ordinary screen, in sRGB, of (width, height) `shown`."""
    size = _coded(video, shown)
    if video.hdr is None:
        yield from as_rgb(video, frames, size)
        return
    for frame in _converted(video, frames, size, "rgb48le"):
        yield turned(tone_mapped(cast(npt.NDArray[np.uint16], frame.to_ndarray()), video.hdr), video.orientation)


def _converted(video: Video, frames: Iterable[VideoFrame], size: tuple[int, int], pix_fmt: str) -> Iterator[VideoFrame]:
    colour = video.colour
    chain = ["bwdif=mode=send_frame:deint=interlaced"] if video.interlaced else []
    conversion = f"in_color_matrix={colour.swscale_matrix}:in_range={colour.swscale_range}:out_range=pc"
    chain.append(f"scale={size[0]}:{size[1]}:{conversion}:{EXACT}")
    return FilterChain([*chain, f"format={pix_fmt}"]).over(opaque(frames))


def opaque(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """The same frames, those with transparency laid over the background."""
    straight = FilterChain(["format=rgba"])
    for frame in frames:
        if not any(component.is_alpha for component in frame.format.components):
            yield frame
            continue
        for clear in straight.push(frame):
            rgba = clear.to_ndarray().astype(np.uint16)
            mixed = (rgba[..., :3] * rgba[..., 3:] + BACKGROUND * (255 - rgba[..., 3:]) + 127) // 255
            flat = VideoFrame.from_ndarray(mixed.astype(np.uint8), format="rgb24")
            flat.pts, flat.time_base = frame.pts, frame.time_base
            yield flat


def turned(frame: Frame, orientation: Orientation) -> Frame:
    """What players make of a coded frame."""
    frame = frame.swapaxes(0, 1) if orientation.transposed else frame
    frame = frame[:, ::-1] if orientation.mirrored else frame
    return np.ascontiguousarray(frame[::-1] if orientation.flipped else frame)


def tail_hashes(video: Video, count: int) -> list[str]:
    """Checksums of the last `count` frames as they are coded, in 16 bits: not turned, whatever they are tagged as."""
    deep = FilterChain([f"scale={EXACT}", "format=rgb48le"])

    def checksum(frame: VideoFrame) -> str:
        (seen,) = deep.push(frame)
        return md5(np.ascontiguousarray(seen.to_ndarray()).tobytes(), usedforsecurity=False).hexdigest()

    return _last(video, count, checksum)


def decoded(path: Path, since: int | None = None) -> Iterator[VideoFrame]:
    """Frames as they are coded, in order; from the key frame before the tick `since`, if the file can be sought in."""
    with opened(path) as container:
        stream = main_stream(container, path)
        stream.thread_type = "AUTO"
        if since is not None:
            container.seek(since, stream=stream)
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:  # what is missing is noticed by those who count
                continue


def _last(video: Video, count: int, take: Callable[[VideoFrame], T]) -> list[T]:
    """What is taken of the last frames, no more of it in memory at a time; UsageError if they cannot be decoded."""
    wanted = list(video.times.ticks[-count:])
    earlier = count + video.times.delay + 1  # some formats are sought in by when packets are decoded
    if earlier < video.frames:
        with suppress(UsageError):  # formats that cannot be sought in
            found = deque(_noted(decoded(video.path, video.times.ticks[-earlier]), take, wanted[0]), maxlen=count)
            if [tick for tick, _ in found] == wanted:
                return [taken for _, taken in found]
    found = deque(_noted(decoded(video.path), take), maxlen=count)
    if len(found) != count:
        raise unreadable(video.path, f"its last {count} frames cannot be decoded")
    return [taken for _, taken in found]


def _noted(
    frames: Iterable[VideoFrame], take: Callable[[VideoFrame], T], since: int | None = None
) -> Iterator[tuple[int | None, T]]:
    """The time of each whole frame from a tick on, and what is taken of it."""
    for frame in frames:
        if since is None or (frame.pts is not None and frame.pts >= since and not frame.is_corrupt):
            yield frame.pts, take(frame)


def _coded(video: Video, shown: tuple[int, int]) -> tuple[int, int]:
    """A size on the screen as it is before frames are turned."""
    return (shown[1], shown[0]) if video.orientation.transposed else shown
