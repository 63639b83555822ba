"""What a video is, and its frames, by way of ffmpeg (no ffprobe comes with imageio-ffmpeg)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from shlex import quote

import numpy as np
import numpy.typing as npt

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.media.ffmpeg import QUIET, ffmpeg_exe, reason

EXACT_COLOUR = "accurate_rnd+full_chroma_int+full_chroma_inp"
NTSC = Fraction(1000, 1001)
"""Broadcast rates are a thousandth off a whole number: 24000/1001 is printed as 23.98."""


@dataclass(frozen=True)
class VideoFacts:
    """The first video stream of a file: width and height as seen (rotated), `frames` None if uncountable."""

    width: int
    height: int
    fps: Fraction
    frames: int | None
    duration_s: float
    codec: str
    has_audio: bool
    pix_fmt: str


def probe(path: Path) -> VideoFacts:
    """Facts of a video, frames counted without decoding; UsageError `video-not-found`, `video-unreadable`."""
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        message = f"there is no video {path}{did_you_mean(path.name, siblings)}"
        raise UsageError("video-not-found", message, f"ls {quote(str(path.parent))}")
    described = describe(path)
    stream = re.search(r"Stream #\S+.*?: Video: (.*)", described)
    if not stream:
        raise unreadable(path, described.strip().splitlines()[-1])
    codec, pix_fmt, *rest = _without_brackets(stream[1]).split(", ")
    size = re.search(r"\b(\d+)x(\d+)\b", ", ".join(rest))
    rate = re.search(r"([\d.]+) (?:fps|tbr)", stream[1])
    if not size or not rate:
        raise unreadable(path, "it does not say its size and rate")
    width, height = int(size[1]), int(size[2])
    if re.search(r"rotation of -?(90|270)", described):
        width, height = height, width
    fps = _exact_rate(rate[1])
    frames = _count_frames(path)
    duration = _duration(described) or float((frames or 0) / fps)
    has_audio = bool(re.search(r"Stream #\S+.*?: Audio:", described))
    return VideoFacts(width, height, fps, frames, duration, codec.split()[0], has_audio, pix_fmt)


def read_frames(path: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """Every frame once, in order, as RGB of shape (height, width, 3); one frame in memory at a time."""
    facts = probe(path)
    frame_bytes = facts.height * facts.width * 3
    decode = ["-i", f"file:{path}", "-map", "0:v:0", "-fps_mode", "passthrough", "-sws_flags", EXACT_COLOUR]
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            [ffmpeg_exe(), *QUIET, *decode, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        assert process.stdout is not None  # Popen was given a pipe
        try:
            while len(frame := process.stdout.read(frame_bytes)) == frame_bytes:
                yield np.frombuffer(bytearray(frame), np.uint8).reshape(facts.height, facts.width, 3)
            if process.wait():
                stderr.seek(0)
                raise unreadable(path, reason(stderr.read()))
        finally:
            process.kill()


def unreadable(path: Path, why: str) -> UsageError:
    """The error for a file that ffmpeg cannot make sense of."""
    message = f"{path} cannot be read as a video: {why}"
    return UsageError("video-unreadable", message, f"ffmpeg -i {quote(str(path))}")


def describe(path: Path) -> str:
    """What `ffmpeg -i` prints about a file (it exits with 1, having been given no output)."""
    command = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", f"file:{path}"]
    return subprocess.run(command, capture_output=True, check=False).stderr.decode("utf-8", "replace")


def _count_frames(path: Path) -> int | None:
    """Packets of the video stream, by copying it to nowhere."""
    copy = ["-i", f"file:{path}", "-map", "0:v:0", "-c", "copy", "-f", "null", "-progress", "pipe:1", "-"]
    run = subprocess.run([ffmpeg_exe(), *QUIET, *copy], capture_output=True, check=False)
    counts = re.findall(rb"frame=(\d+)", run.stdout)
    return int(counts[-1]) if counts and run.returncode == 0 else None


def _without_brackets(text: str) -> str:
    """`h264 (High) (avc1 / 0x31), yuv420p(tv, bt709), …` without what stands in brackets, commas included."""
    while (shorter := re.sub(r"\s*[(\[][^()\[\]]*[)\]]", "", text)) != text:
        text = shorter
    return text


def _exact_rate(printed: str) -> Fraction:
    """The rate behind its rounded print: a whole number, or one of the broadcast rates."""
    rate = Fraction(printed)
    ntsc = round(rate) * NTSC
    return ntsc if rate.denominator > 1 and abs(rate - ntsc) < Fraction(1, 100) else rate


def _duration(described: str) -> float | None:
    clock = re.search(r"Duration: (\d+):(\d+):([\d.]+)", described)
    return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]) if clock else None
