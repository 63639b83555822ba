"""When each frame of a video is shown, read from its packets without decoding one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from skyreels_cli.media.ffmpeg import QUIET, ffmpeg_exe

NO_TIME = -(2**63)
"""How ffmpeg prints the time of a frame in a format that keeps none (AVI with B-frames, bare H.264)."""

MOSTLY = 0.95
"""Cameras and screen recorders drop a frame now and then; that alone is no variable rate."""
ROUNDED = 0.1
"""How far a rate may be off that is taken from the gap between two frames in whole milliseconds."""


@dataclass(frozen=True)
class FrameTimes:
    """Presentation times of frames, in order, in ticks of `time_base` seconds from the start of the file.

    `first` is the time of the first packet, `delay` by how many frames decoding runs ahead of showing (B-frames).
    """

    time_base: Fraction
    ticks: Sequence[int]
    first: int
    delay: int

    def seconds(self, frame: int) -> Fraction:
        """When a frame is shown; negative ones are counted from the end."""
        return self.ticks[frame] * self.time_base

    def rate(self, printed: Fraction) -> Fraction:
        """Frames per second: exact where almost all gaps are equal, else what the file says, if that can be."""
        gaps = sorted(self._gaps(0))
        if not gaps or not gaps[len(gaps) // 2]:
            return printed
        usual = gaps[len(gaps) // 2]
        exact = 1 / (usual * self.time_base)
        same = gaps.count(usual) >= MOSTLY * len(gaps)
        return printed if not same and abs(printed / exact - 1) < ROUNDED else exact

    def steady(self, fps: Fraction, since: int = 0, share: float = MOSTLY) -> bool:
        """Whether at least this share of the gaps between frames is right to half a frame, `since` one of them."""
        gap = 1 / (fps * self.time_base)
        gaps = self._gaps(since)
        return sum(abs(found - gap) <= gap / 2 for found in gaps) >= share * len(gaps)

    def _gaps(self, since: int) -> list[int]:
        return [later - earlier for earlier, later in pairwise(self.ticks[since:])]


def file_times(path: Path) -> FrameTimes | None:
    """The frame times of a file's first video stream; None if it has no packet that ffmpeg can read."""
    return frame_times(["-i", f"file:{path}"])


def frame_times(source: Sequence[str]) -> FrameTimes | None:
    """The same of any input of ffmpeg: `-f concat -i …`."""
    listing = _packets(source)
    base = re.search(r"^#tb 0: (\d+/\d+)", listing, re.MULTILINE)
    packets = [(int(dts), int(pts)) for dts, pts in re.findall(r"^0,\s*(-?\d+),\s*(-?\d+),", listing, re.MULTILINE)]
    if not base or not packets:
        return None
    if any(pts == NO_TIME for _, pts in packets):
        packets = [(dts - packets[0][0], dts - packets[0][0]) for dts, _ in packets]
    first_dts, first_pts = packets[0]
    ticks = sorted(pts for _, pts in packets)
    gap = max(1, (ticks[-1] - ticks[0]) // max(1, len(ticks) - 1))
    return FrameTimes(Fraction(base[1]), ticks, first_pts, round((first_pts - first_dts) / gap))


def _packets(source: Sequence[str]) -> str:
    """`#tb 0: 1/12800` and a line `stream, dts, pts, duration, size, checksum` for every packet."""
    arguments = [*source, "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-"]
    run = subprocess.run([ffmpeg_exe(), *QUIET, *arguments], capture_output=True, check=False)
    return run.stdout.decode("ascii", "replace")
