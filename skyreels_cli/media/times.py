"""When each frame of a video is shown, counted from its packets without decoding one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm

MOSTLY = 0.95
"""Cameras and screen recorders drop a frame now and then; that alone is no variable rate."""
ROUNDED = Fraction(1, 10)
"""How far a rate may be off that is taken from the gap between two frames in whole milliseconds."""
LARGEST_BASE = 10**6
"""Ticks a second that every container can count in."""


@dataclass(frozen=True)
class FrameTimes:
    """Presentation times of frames, in order, in ticks of `time_base` seconds.

    `delay` says how many frames decoding has to run ahead of showing, for B-frames refer to later ones.
    """

    time_base: Fraction
    ticks: Sequence[int]
    delay: int

    @classmethod
    def of_packets(cls, time_base: Fraction, shown: Sequence[int]) -> FrameTimes:
        """From the presentation times of packets in the order in which they are decoded."""
        order = sorted(range(len(shown)), key=shown.__getitem__)
        delay = max((decoded - rank for rank, decoded in enumerate(order)), default=0)
        return cls(time_base, [shown[decoded] for decoded in order], delay)

    def seconds(self, frame: int) -> Fraction:
        """When a frame is shown; negative ones are counted from the end."""
        return self.ticks[frame] * self.time_base

    def rate(self, said: Fraction | None) -> Fraction | None:
        """Frames per second: what the file says if its times agree, else the rate of almost all gaps."""
        if said and self.even(said):
            return said
        gaps = Counter(later - earlier for earlier, later in pairwise(self.ticks))
        usual, times = gaps.most_common(1)[0] if gaps else (0, 0)
        if usual <= 0:
            return said
        exact = 1 / (usual * self.time_base)
        same = times >= MOSTLY * (len(self.ticks) - 1)
        return said if said and not same and abs(said / exact - 1) < ROUNDED else exact

    def steady(self, fps: Fraction) -> bool:
        """Whether almost all gaps between frames, but for one, are right to half a frame."""
        gap = 1 / (fps * self.time_base)
        right = sum(abs(later - earlier - gap) <= gap / 2 for earlier, later in pairwise(self.ticks))
        return right + 1 >= MOSTLY * (len(self.ticks) - 1)

    def even(self, fps: Fraction, since: int = 0) -> bool:
        """Whether every frame from `since` on is shown at its number over the rate, to a tick."""
        gap, start = 1 / (fps * self.time_base), self.ticks[since]
        return all(abs(tick - start - n * gap) <= 1 for n, tick in enumerate(self.ticks[since:]))


class Timeline:
    """The times of a finished file's frames, in ticks of `base` seconds: counted, and so exact however many there are.

    Frames of a video that go before keep their own times, unless these are evenly counted themselves; `start` is when
    the first frame is shown, in seconds.
    """

    def __init__(self, fps: Fraction, before: FrameTimes | None = None, start: Fraction = Fraction(0)) -> None:
        self._start, self._frame = start, 1 / fps
        self._old: list[Fraction] = []
        finest = lcm(fps.numerator, start.denominator)
        if before and not before.even(fps):
            finest = lcm(2 * finest, before.time_base.denominator)
            self._old = _apart((before.seconds(n) - before.seconds(0) for n in range(len(before.ticks))), 1 / (2 * fps))
        self.base = Fraction(1, min(finest, LARGEST_BASE))

    def __getitem__(self, frame: int) -> int:
        """The tick at which a frame is shown; those before the first one are where decoding may begin."""
        return round(self._seconds(frame) / self.base)

    def _seconds(self, frame: int) -> Fraction:
        if not self._old or frame < 0:
            return self._start + frame * self._frame
        known = min(frame, len(self._old) - 1)
        return self._start + self._old[known] + (frame - known) * self._frame


def _apart(times: Iterable[Fraction], least: Fraction) -> list[Fraction]:
    """The same times, but no two of them at once."""
    kept: list[Fraction] = []
    for time in times:
        kept.append(max(time, kept[-1] + least) if kept else time)
    return kept
