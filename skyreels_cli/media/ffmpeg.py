"""The ffmpeg that imageio-ffmpeg brings along, or that IMAGEIO_FFMPEG_EXE names."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import imageio_ffmpeg

from skyreels_cli.errors import UsageError

QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error")


def ffmpeg_exe() -> str:
    """Path of the program; UsageError `ffmpeg-missing` if there is none for this platform."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise UsageError("ffmpeg-missing", f"no ffmpeg was found: {error}", "pip install imageio-ffmpeg") from error


@cache
def encoders() -> frozenset[str]:
    """Names of the video encoders that it was built with."""
    listing = subprocess.run(
        [ffmpeg_exe(), "-hide_banner", "-encoders"], capture_output=True, encoding="utf-8", check=True
    )
    return frozenset(re.findall(r"^ V\S* (\S+)", listing.stdout, re.MULTILINE))


def reason(stderr: bytes) -> str:
    """The first errors that ffmpeg reported; all others follow from them."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return "; ".join(line.strip() for line in lines[:2]) or "no reason given"


def disk_is_full(stderr: bytes) -> bool:
    """Whether ffmpeg gave up because nothing more can be written (disk, quota or file size limit)."""
    return any(sign in stderr for sign in (b"No space left", b"File too large", b"quota exceeded"))
