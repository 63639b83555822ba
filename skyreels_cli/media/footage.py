"""A video that new frames are to follow: its frames' times, its shape on the screen, and how its colours are coded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import UsageError
from skyreels_cli.media.reader import VideoFacts, describe, probe, unreadable
from skyreels_cli.media.timing import FrameTimes, file_times

OURS = {"hevc": "h265"}
"""Codecs that ffmpeg calls differently from us."""
MATRICES = ("bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc")


@dataclass(frozen=True)
class Colour:
    """How RGB is coded, in ffmpeg's words; a `matrix` of `unknown` is read as BT.601, which is what ffmpeg does."""

    range: str = "tv"
    matrix: str = "unknown"
    primaries: str = "unknown"
    transfer: str = "unknown"

    @property
    def swscale_matrix(self) -> str:
        """The matrix by the name that the scale filter knows; any will do for RGB, which needs none."""
        return self.matrix if self.matrix in MATRICES else "bt601"


@dataclass(frozen=True)
class Footage:
    """A video with a steady frame rate; `rotation` in degrees clockwise is what players do to its coded frames.

    `pixel_aspect` is a pixel's width by its height, 0 if the stream does not say: then they are square.
    """

    path: Path
    facts: VideoFacts
    times: FrameTimes
    fps: Fraction
    rotation: int
    pixel_aspect: Fraction
    profile: str
    colour: Colour

    @property
    def frames(self) -> int:
        """Frames in the file."""
        return len(self.times.ticks)

    @property
    def codec(self) -> str:
        """Its codec as `--codec` spells it, or as ffmpeg does."""
        return OURS.get(self.facts.codec, self.facts.codec)

    @property
    def shown_size(self) -> tuple[int, int]:
        """(width, height) on a screen with square pixels, upright."""
        width, height = self.facts.width, self.facts.height
        stretch = self.pixel_aspect or 1
        return (width, round(height * stretch)) if self.rotation % 180 else (round(width * stretch), height)


def open_footage(path: Path) -> Footage:
    """Look at a video; UsageError `video-not-found`, `video-unreadable`, `video-no-stream`, `video-variable-rate`."""
    described = describe(path) if path.is_file() else ""
    stream = re.search(r"Stream #\S+.*?: Video: (.*)", described)
    if not stream and "Input #0" in described:
        what = "sound but no picture" if "Audio:" in described else "no picture"
        raise UsageError("video-no-stream", f"{path} holds {what}", 'skyreels generate "what it should show"')
    facts = probe(path)
    times = file_times(path)
    if not stream or not times:
        raise unreadable(path, "it has no frames")
    fps = times.rate(facts.fps)
    if not times.steady(fps):
        raise _variable_rate(path, fps)
    aspect = re.search(r"\bSAR (\d+):(\d+)", stream[1])
    profile = re.match(r"\w+ \(([^)]*)\)", stream[1])
    return Footage(
        path=path,
        facts=replace(facts, fps=fps),
        times=times,
        fps=fps,
        rotation=_rotation(described),
        pixel_aspect=Fraction(int(aspect[1]), int(aspect[2])) if aspect else Fraction(0),
        profile=profile[1] if profile else "",
        colour=_colour(stream[1], facts.pix_fmt),
    )


def _rotation(described: str) -> int:
    """Degrees clockwise; ffmpeg prints by how many counter-clockwise the picture is to be turned."""
    turned = re.search(r"rotation of (-?\d+)", described)
    return -int(turned[1]) % 360 if turned else 0


def _colour(stream: str, pix_fmt: str) -> Colour:
    """From `yuv420p(tv, bt709, progressive)` or `yuv420p(bt470bg/unknown/unknown)`."""
    said = re.search(rf"\b{re.escape(pix_fmt)}\(([^)]*)\)", stream)
    words = [word.strip() for word in said[1].split(",")] if said else []
    coded_as_rgb = not pix_fmt.startswith(("yuv", "gray", "nv", "p0", "p2", "p4"))
    full = "pc" in words or pix_fmt.startswith("yuvj") or coded_as_rgb
    names = next((word.split("/") for word in words if "/" in word), None)
    if names is None:
        names = next(([word] * 3 for word in words if word in MATRICES), ["unknown"] * 3)
    return Colour("pc" if full else "tv", *names)


def _variable_rate(path: Path, fps: Fraction) -> UsageError:
    rate = round(fps)
    steady = quote(str(path.with_name(f"{path.stem}-{rate}fps.mp4")))
    message = f"{path} has no steady frame rate (about {float(fps):.4g} per second), which the new frames would have"
    return UsageError("video-variable-rate", message, f"ffmpeg -i {quote(str(path))} -fps_mode cfr -r {rate} {steady}")
