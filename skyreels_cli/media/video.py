"""What a video is: its frames' exact times, its shape on the screen, how it is coded, and what comes along with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import NamedTuple, cast

import av
from av import VideoFrame
from av.buffer import Buffer
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from skyreels_cli.errors import UsageError
from skyreels_cli.media.failure import not_found, unreadable
from skyreels_cli.media.times import FrameTimes

OURS = {"hevc": "h265", "libdav1d": "av1", "libaom-av1": "av1"}
"""Codecs that FFmpeg's decoders call differently from us."""
PICTURES = ("image2", "gif", "webp", "apng")
"""Formats that hold a single picture as often as a moving one; those of pictures alone end in `_pipe`."""
FULL_RANGE, UNKNOWN = 2, 2
MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
NTSC = Fraction(1000, 1001)
"""Broadcast rates are a thousandth below a whole number; Matroska keeps their frames' duration in nanoseconds."""


class Colour(NamedTuple):
    """How RGB is coded, by the numbers of ITU-T H.273; a matrix that is not known is read as BT.601, as FFmpeg does."""

    full_range: bool = False
    matrix: int = UNKNOWN
    primaries: int = UNKNOWN
    transfer: int = UNKNOWN

    @property
    def swscale_matrix(self) -> str:
        """The matrix by the name that the scale filter knows; any will do for RGB, which needs none."""
        return MATRICES.get(self.matrix, "bt601")

    @property
    def swscale_range(self) -> str:
        """The range by the name that the scale filter knows."""
        return "pc" if self.full_range else "tv"


class Orientation(NamedTuple):
    """What players do to coded frames: swap rows and columns, then mirror from left to right, then upside down."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False


@dataclass(frozen=True)
class Video:
    """The picture of a file; `width` and `height` are those of its coded frames.

    `pixel_aspect` is a pixel's width by its height, 0 if the stream does not say: then they are square. `counted` says
    that every packet is a frame with a time of its own, which is not so if an edit list leaves some out or the format
    keeps no times; `start` is when the first of all streams begins.
    """

    path: Path
    container: str
    codec: str
    profile: str
    pix_fmt: str
    width: int
    height: int
    fps: Fraction
    times: FrameTimes
    colour: Colour
    orientation: Orientation
    pixel_aspect: Fraction
    interlaced: bool
    counted: bool
    has_audio: bool
    start: Fraction

    @property
    def frames(self) -> int:
        """Frames in the file."""
        return len(self.times.ticks)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float(self.times.seconds(-1) - self.times.seconds(0) + 1 / self.fps)

    @property
    def shown_size(self) -> tuple[int, int]:
        """(width, height) on a screen with square pixels, upright."""
        width, height = round(self.width * (self.pixel_aspect or 1)), self.height
        return (height, width) if self.orientation.transposed else (width, height)

    @property
    def hdr(self) -> str | None:
        """PQ or HLG, if its light is coded so."""
        return HDR_TRANSFERS.get(self.colour.transfer)


def open_video(path: Path) -> Video:
    """Look at a video, its frames counted; UsageError `video-not-found`, `video-unreadable`, `video-no-stream`."""
    with opened(path) as container:
        stream = main_stream(container, path)
        shown, counted = _shown(container, stream, path)
        assert stream.time_base is not None
        times = FrameTimes.of_packets(stream.time_base, shown)
        fps = times.rate(_said_rate(stream))
        if not fps:
            raise unreadable(path, "it does not say its frame rate")
        frame = _first_frame(stream, path)
        context = stream.codec_context
        return Video(
            path=path,
            container=container.format.name,
            codec=OURS.get(context.name, context.name),
            profile=stream.profile or "",
            pix_fmt=frame.format.name,
            width=frame.width,
            height=frame.height,
            fps=fps,
            times=times,
            colour=_colour(stream, frame),
            orientation=_orientation(frame),
            pixel_aspect=stream.sample_aspect_ratio or Fraction(0),
            interlaced=frame.interlaced_frame,
            counted=counted,
            has_audio=bool(container.streams.audio),
            start=_start(container),
        )


def steady_video(path: Path) -> Video:
    """A video that new frames can follow at its rate; UsageError `video-variable-rate`, `video-is-picture` too."""
    video = open_video(path)
    picture = video.container.endswith("_pipe") or video.container in PICTURES
    if picture and video.frames == 1:
        hint = f"skyreels generate --image {quote(str(path))}"
        raise UsageError("video-is-picture", f"{path} is a picture, not a video", hint)
    if not video.times.steady(video.fps):
        raise _variable_rate(video)
    return video


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A file with pictures, and its sound; what goes wrong inside becomes UsageError `video-…`."""
    if not path.is_file():
        raise not_found(path, "video")
    name = f"file:{path}"
    try:
        with av.open(name, metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        if error.filename not in (None, "", name):
            raise  # of another file that is open besides
        raise unreadable(path, error) from error


def main_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures: embedded cover art is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise unreadable(path, "its pictures are coded in a way that is not known here")
            return stream
    if not container.streams:
        raise unreadable(path, "it is cut off, or still being written")
    what = "sound but no picture" if container.streams.audio else "no picture"
    raise UsageError("video-no-stream", f"{path} holds {what}", 'skyreels generate "what it should show"')


def _shown(container: InputContainer, stream: VideoStream, path: Path) -> tuple[list[int], bool]:
    """Presentation times of packets that become frames, as coded; whether these are all, with times of their own."""
    packets = [
        (packet.pts, packet.dts, packet.is_discard, packet.is_corrupt)
        for packet in container.demux(stream)
        if packet.size
    ]
    whole = stream.frames if "mp4" in container.format.name else 0  # elsewhere it is an estimate
    if not packets or packets[-1][3] or len(packets) < whole:
        why = f"it is cut off: {len(packets)} of its {whole} frames are there" if whole else "it is empty or cut off"
        raise unreadable(path, why)
    if any(pts is None for pts, *_ in packets):  # formats that keep none: AVI with B-frames, bare H.264
        usual = _ticks_per_frame(stream)
        ticks = [n * usual if dts is None else dts for n, (_, dts, _, _) in enumerate(packets)]
        return [tick - ticks[0] for tick in ticks], False
    shown = [pts for pts, _, discarded, _ in packets if not discarded and pts is not None]
    return shown, len(shown) == len(packets)


def _ticks_per_frame(stream: VideoStream) -> int:
    rate = _said_rate(stream) or Fraction(25)
    return max(1, round(1 / (rate * (stream.time_base or Fraction(1, 90_000)))))


def _said_rate(stream: VideoStream) -> Fraction | None:
    """The rate in the file's header; a broadcast rate that was rounded is made exact."""
    said = stream.guessed_rate or stream.average_rate
    if not said:
        return None
    broadcast = round(said / NTSC) * NTSC
    close = Fraction(1, 10**5)
    return next((exact for exact in (Fraction(round(said)), broadcast) if abs(said - exact) < said * close), said)


def _first_frame(stream: VideoStream, path: Path) -> VideoFrame:
    """The first frame that can be decoded: it tells what the packets do not."""
    with opened(path) as again:  # some formats cannot be sought in
        for packet in again.demux(again.streams[stream.index]):
            try:
                for frame in packet.decode():
                    return cast(VideoFrame, frame)
            except av.error.InvalidDataError:
                continue
    raise unreadable(path, "none of its frames can be decoded")


def _colour(stream: VideoStream, frame: VideoFrame) -> Colour:
    """As the stream says; RGB is full range, and so is what old cameras call yuvj."""
    context, name = stream.codec_context, frame.format.name
    coded_as_rgb = not name.startswith(("yuv", "gray", "nv", "p0", "p2", "p4"))
    full = context.color_range == FULL_RANGE or name.startswith("yuvj") or coded_as_rgb
    return Colour(full, int(context.colorspace), int(context.color_primaries), int(context.color_trc))


def _orientation(frame: VideoFrame) -> Orientation:
    """From the display matrix: (x, y) is shown at (a·x + c·y, b·x + d·y)."""
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # FFmpeg attached something that PyAV has no name for
        matrix = None
    if matrix is None:
        return Orientation()
    a, b, _, c, d = memoryview(bytes(cast(Buffer, matrix))).cast("i")[:5]
    transposed = abs(b) > abs(a)
    return Orientation(transposed, (c if transposed else a) < 0, (b if transposed else d) < 0)


def _start(container: InputContainer) -> Fraction:
    """When the earliest of pictures and sounds begins; what lies before 0 is not shown."""
    streams = [*container.streams.video, *container.streams.audio]
    starts = [s.start_time * s.time_base for s in streams if s.start_time is not None and s.time_base]
    return max(Fraction(0), min(starts, default=Fraction(0)))


def _variable_rate(video: Video) -> UsageError:
    rate = round(video.fps)
    path = video.path
    steady = quote(str(path.with_name(f"{path.stem}-{rate}fps.mp4")))
    about = (video.frames - 1) / (video.times.seconds(-1) - video.times.seconds(0)) if video.frames > 1 else video.fps
    message = f"{path} has no steady frame rate (about {float(about):.4g} per second), which the new frames would have"
    return UsageError("video-variable-rate", message, f"ffmpeg -i {quote(str(path))} -fps_mode cfr -r {rate} {steady}")
