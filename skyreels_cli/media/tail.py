"""The end of a video, decoded from the last key frame before it: exact, and quick however long the video is."""

from __future__ import annotations

import re
import subprocess
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skyreels_cli.media.ffmpeg import QUIET, ffmpeg_exe
from skyreels_cli.media.footage import Footage
from skyreels_cli.media.reader import EXACT_COLOUR, unreadable
from skyreels_cli.media.timing import FrameTimes


def read_tail(footage: Footage, count: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """The last `count` frames as RGB `(count, height, width, 3)`, upright and scaled to that size."""
    colour = footage.colour
    scale = (
        f"scale={width}:{height}:in_color_matrix={colour.swscale_matrix}:in_range={colour.range}:out_range=pc"
        f":flags=lanczos+{EXACT_COLOUR},format=rgb24"
    )
    for source in _sources(footage.path, footage.times, count):
        frames = _last_frames([*source, "-vf", scale, "-f", "rawvideo", "-"], count, width * height * 3)
        if len(frames) == count:
            return np.frombuffer(bytearray().join(frames), np.uint8).reshape(count, height, width, 3)
    raise unreadable(footage.path, f"its last {count} frames cannot be decoded")


def tail_hashes(path: Path, times: FrameTimes, count: int) -> list[str]:
    """Checksums of the last `count` frames as they are coded: not turned, not converted."""
    for source in _sources(path, times, count):
        command = [ffmpeg_exe(), *QUIET, "-noautorotate", *source, "-f", "framemd5", "-"]
        listing = subprocess.run(command, capture_output=True, check=False, encoding="ascii").stdout
        hashes = re.findall(r"^0,.*\s([0-9a-f]{32})$", listing, re.MULTILINE)[-count:]
        if len(hashes) == count:
            return hashes
    raise unreadable(path, f"its last {count} frames cannot be decoded")


def _sources(path: Path, times: FrameTimes, count: int) -> list[list[str]]:
    """From half a frame before the first one that is wanted; if the file cannot be sought in, from its beginning."""
    whole = ["-i", f"file:{path}", "-map", "0:v:0", "-fps_mode", "passthrough"]
    if count >= len(times.ticks):
        return [whole]
    start = (times.seconds(-count) + times.seconds(-count - 1)) / 2
    return [["-ss", f"{float(start):.6f}", *whole], whole]


def _last_frames(arguments: Sequence[str], count: int, frame_bytes: int) -> deque[bytes]:
    """The last frames that ffmpeg writes; no more of them are in memory at a time."""
    command = [ffmpeg_exe(), *QUIET, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # Popen was given a pipe
        frames = iter(partial(process.stdout.read, frame_bytes), b"")
        return deque((frame for frame in frames if len(frame) == frame_bytes), maxlen=count)
