"""Codecs and containers: which go together, which encoder does the work, what `quality` means.

Quality 0-10 becomes the encoder's constant rate factor, 5 being the encoder's own default:

| quality | h264 (libx264) | h265 (libx265) | av1 (SVT-AV1, libaom) |
|---------|----------------|----------------|-----------------------|
| 0       | 38             | 43             | 55                    |
| 5       | 23             | 28             | 35                    |
| 7       | 17             | 22             | 27                    |
| 10      | 8              | 13             | 15                    |

ffv1 is lossless RGB and has no quality.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from skyreels_cli.errors import UsageError
from skyreels_cli.media.ffmpeg import encoders

CONTAINERS = {
    ".mp4": ("h264", "h265", "av1"),
    ".mov": ("h264", "h265"),
    ".mkv": ("h264", "h265", "av1", "ffv1"),
    ".webm": ("av1",),
}
ENCODERS = {
    "h264": ("libx264",),
    "h265": ("libx265",),
    "av1": ("libsvtav1", "libaom-av1"),
    "ffv1": ("ffv1",),
}
"""In order of preference: at equal quality SVT-AV1 is several times faster than libaom."""

BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=lanczos+accurate_rnd+full_chroma_int,format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)
"""Converted and tagged alike; by itself ffmpeg converts RGB with BT.601 and lets the player guess."""


def check_container(path: Path, codec: str) -> None:
    """Raise `codec-container` if such a file cannot hold the codec, `no-encoder` if ffmpeg lacks it."""
    suffix = path.suffix.lower()
    if codec not in CONTAINERS.get(suffix, ()):
        fitting = [container for container, codecs in CONTAINERS.items() if codec in codecs]
        what = f"{suffix} cannot hold {codec}" if suffix in CONTAINERS else f"{path.name} has no video's suffix"
        message = f"{what}; {codec} goes into {', '.join(fitting)}"
        raise UsageError("codec-container", message, f"-o {quote(str(path.with_suffix(fitting[0])))}")
    find_encoder(codec)


def find_encoder(codec: str) -> str:
    """The encoder for a codec; UsageError `no-encoder` if this ffmpeg was built without."""
    for encoder in ENCODERS[codec]:
        if encoder in encoders():
            return encoder
    message = f"this ffmpeg has no encoder for {codec} ({' or '.join(ENCODERS[codec])})"
    raise UsageError("no-encoder", message, "--codec h264")


def encoder_arguments(codec: str, quality: float, suffix: str) -> list[str]:
    """Output options of ffmpeg, from RGB frames to this codec in a container of this suffix."""
    if codec == "ffv1":
        return [*coding_arguments(codec, quality), "-pix_fmt", "bgr0"]  # holds RGB bytes as they are
    arguments = ["-vf", BT709, *coding_arguments(codec, quality)]
    if suffix in (".mp4", ".mov"):
        arguments += ["-movflags", "+faststart"]
        if codec == "h265":
            arguments += ["-tag:v", "hvc1"]  # QuickTime does not open ffmpeg's default, hev1
    return arguments


def coding_arguments(codec: str, quality: float) -> list[str]:
    """The encoder, how hard it tries and how good the result is; ffv1 codes every frame alone, with checksums."""
    encoder = find_encoder(codec)
    if codec == "ffv1":
        return ["-c:v", encoder, "-level", "3", "-g", "1", "-slicecrc", "1"]
    crf, per_quality = {"h264": (38, 3), "h265": (43, 3), "av1": (55, 4)}[codec]
    speed = {
        "libx264": ["-preset", "medium"],
        "libx265": ["-preset", "medium", "-x265-params", "log-level=error"],
        "libsvtav1": ["-preset", "6"],
        "libaom-av1": ["-cpu-used", "6", "-row-mt", "1", "-b:v", "0"],
    }[encoder]
    return ["-c:v", encoder, "-crf", str(round(crf - per_quality * quality)), *speed]
