"""FFmpeg's program, which shares no file with PyAV: it makes videos as others would, and reads what is written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]
QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error")


def ffmpeg(*arguments: object) -> bytes:
    """Run the program; returns what it writes to stdout."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *QUIET, "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def program_version() -> str:
    """The version of the program."""
    return str(imageio_ffmpeg.get_ffmpeg_version())


def description(path: Path) -> str:
    """What it prints about a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", f"file:{path}"]
    return subprocess.run(command, capture_output=True, check=False).stderr.decode("utf-8", "replace")


def picture_times(path: Path) -> tuple[float, list[int]]:
    """Seconds of a tick, and the ticks at which frames are shown, in order."""
    listing = ffmpeg("-copyts", "-i", f"file:{path}", "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-").decode()
    base = re.search(r"^#tb 0: (\d+)/(\d+)", listing, re.MULTILINE)
    assert base
    shown = re.findall(r"^0,\s*-?\d+,\s*(-?\d+),", listing, re.MULTILINE)
    return int(base[1]) / int(base[2]), sorted(map(int, shown))


def read_rgb(path: Path, width: int, height: int, *options: object) -> Frames:
    """All frames as RGB (n, height, width, 3); `-fps_mode cfr -r 24` makes them follow the clock, as players do."""
    content = ffmpeg("-i", f"file:{path}", "-map", "0:v:0", *options, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(content, np.uint8).reshape(-1, height, width, 3)


def hashes(path: Path, *maps: object) -> list[str]:
    """Checksums of decoded frames or of a copied stream, by one of its formats for that."""
    listing = ffmpeg("-noautorotate", "-i", f"file:{path}", *maps).decode()
    return re.findall(r"^#extradata.*|[0-9a-f]{32,}$", listing, re.MULTILINE)


def frame_hashes(path: Path) -> list[str]:
    """Checksums of all decoded frames."""
    return hashes(path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")


def sound_hash(path: Path) -> list[str]:
    """The checksum of each sound track's packets."""
    return hashes(path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "-")
