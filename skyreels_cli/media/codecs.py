"""Codecs and containers: which go together, which encoder does the work, what `quality` means.

Quality 0-10 becomes the encoder's constant rate factor, 5 being the encoder's own default:

| quality | h264 (libx264) | h265 (libx265) | av1 (SVT-AV1) |
|---------|----------------|----------------|---------------|
| 0       | 38             | 43             | 55            |
| 5       | 23             | 28             | 35            |
| 7       | 17             | 22             | 27            |
| 10      | 8              | 13             | 15            |

ffv1 is lossless RGB and has no quality.

Frames are encoded by the libraries in PyAV's wheels, and not by a program that is fed through a pipe: both have all
four encoders and both are built with x264 and x265, so neither is under an easier licence; measured side by side
(`tests/benchmarks/results/bench_media.json`) the libraries are as fast, and their errors are numbers, not text for
people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import Any

import av

from skyreels_cli.errors import UsageError
from skyreels_cli.media.filters import EXACT
from skyreels_cli.media.video import Colour

CONTAINERS = {
    ".mp4": ("h264", "h265", "av1"),
    ".mov": ("h264", "h265"),
    ".mkv": ("h264", "h265", "av1", "ffv1"),
    ".webm": ("av1",),
}
ENCODERS = {"h264": "libx264", "h265": "libx265", "av1": "libsvtav1", "ffv1": "ffv1"}
LEADS = {"h264": 2, "h265": 2, "av1": 0, "ffv1": 0}
"""Frames by which decoding runs ahead of showing, at most: B-frames refer to later ones."""
BT709 = Colour(full_range=False, matrix=1, primaries=1, transfer=1)


@dataclass(frozen=True)
class Coding:
    """How RGB frames become coded ones: filters, then the encoder and its options (FFmpeg's names for all of them)."""

    codec: str
    options: Mapping[str, str]
    filters: tuple[str, ...]
    pix_fmt: str
    colour: Colour
    pixel_aspect: Fraction = Fraction(0)

    def as_data(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return asdict(self) | {"pixel_aspect": str(self.pixel_aspect)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Coding:
        """What `as_data` wrote."""
        colour, aspect = Colour(*data["colour"]), Fraction(data["pixel_aspect"])
        return cls(**{**data, "filters": tuple(data["filters"]), "colour": colour, "pixel_aspect": aspect})


def check_container(path: Path, codec: str) -> None:
    """Raise `codec-container` if such a file cannot hold the codec, `no-encoder` if PyAV was built without it."""
    suffix = path.suffix.lower()
    if codec not in CONTAINERS.get(suffix, ()):
        fitting = [container for container, codecs in CONTAINERS.items() if codec in codecs]
        what = f"{suffix} cannot hold {codec}" if suffix in CONTAINERS else f"{path.name} has no video's suffix"
        message = f"{what}; {codec} goes into {', '.join(fitting)}"
        raise UsageError("codec-container", message, f"-o {quote(str(path.with_suffix(fitting[0])))}")
    if not available_codecs()[codec]:
        message = f"this build of PyAV has no encoder for {codec} ({ENCODERS[codec]})"
        raise UsageError("no-encoder", message, "pip install --force-reinstall --only-binary av av")


def available_codecs() -> dict[str, bool]:
    """For each codec whether this build of PyAV can encode it."""
    return {codec: encoder in av.codecs_available for codec, encoder in ENCODERS.items()}


def library_version() -> str:
    """PyAV and the codec library in it: `PyAV 18.1.0 (libavcodec 62.28.102)`."""
    return f"PyAV {av.__version__} (libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))})"


def film_coding(codec: str, quality: float) -> Coding:
    """How a film's frames are coded: ffv1 holds RGB bytes as they are, the others BT.709 in 4:2:0."""
    if codec == "ffv1":
        return Coding(codec, encoder_options(codec, quality), ("format=bgr0",), "bgr0", Colour(full_range=True))
    return Coding(codec, encoder_options(codec, quality), converted(BT709, "yuv420p"), "yuv420p", BT709)


def converted(colour: Colour, pix_fmt: str) -> tuple[str, ...]:
    """Filters from RGB to a pixel format; by itself FFmpeg converts with BT.601 and lets the player guess."""
    conversion = f"out_color_matrix={colour.swscale_matrix}:out_range={colour.swscale_range}"
    return f"scale={conversion}:{EXACT}", f"format={pix_fmt.replace('yuvj', 'yuv')}"


def encoder_options(codec: str, quality: float) -> dict[str, str]:
    """How hard the encoder tries and how good the result is; ffv1 codes every frame alone, with checksums."""
    if codec == "ffv1":
        return {"level": "3", "g": "1", "slicecrc": "1"}
    crf, per_quality = {"h264": (38, 3), "h265": (43, 3), "av1": (55, 4)}[codec]
    speed = {
        "h264": {"preset": "medium"},
        "h265": {"preset": "medium", "x265-params": "log-level=error"},
        "av1": {"preset": "6"},
    }[codec]
    return {"crf": str(round(crf - per_quality * quality)), **speed}


def muxer_options(path: Path) -> dict[str, str]:
    """The index of mp4 and mov goes to the front, so that a player on the web can begin at once."""
    return {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}


def muxer_tag(codec: str, path: Path) -> str | None:
    """The codec's name in the container, where the default does not do: QuickTime does not open `hev1`."""
    return "hvc1" if codec == "h265" and path.suffix.lower() in (".mp4", ".mov") else None
