"""How a finished film changes over time: its look window by window, its joins, and how alike frames stay."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median
from typing import Any

import numpy as np
import numpy.typing as npt

from skyreels_cli.film.windows.look import Look, LookMeter
from skyreels_cli.media.reader import Frame

DISTANCES = (2, 5, 10, 20, 50)
"""Frames apart, at which likeness is measured."""
JOIN_REACH = 8
"""Frames on each side of a join with whose usual change the join's is compared."""
LEAST_CHANGE = 1e-3
"""Of a range of 255: what two equal frames are taken to differ by, as a still film has joins too."""
SIDE = 96
"""Pixels of a row or column that are compared, at most: likeness hangs on no single ones."""


@dataclass(frozen=True)
class Drift:
    """`looks` of the parts that begin at frames `starts`, and the step into each part but the first.

    A step is the mean change of pixels over the median change of the frames around it: 1 is no seam. `likeness` is
    1 less the mean difference of frames so many frames apart, on the scale 0…1; `ends` compares first and last part.
    """

    starts: tuple[int, ...]
    looks: tuple[Look, ...]
    steps: tuple[float, ...]
    likeness: dict[int, float]

    @property
    def ends(self) -> dict[str, float]:
        """The last part's look less the first one's."""
        return self.looks[-1].against(self.looks[0])

    def as_data(self) -> dict[str, Any]:
        """As JSON values."""
        parts = [
            {"first_frame": start, **asdict(look), "step": step}
            for start, look, step in zip(self.starts, self.looks, (None, *self.steps), strict=True)
        ]
        likeness = {str(apart): value for apart, value in self.likeness.items()}
        return {"parts": parts, "likeness": likeness, "ends": self.ends}


def measure_drift(frames: Iterable[Frame], starts: Sequence[int]) -> Drift:
    """Measure RGB frames (h, w, 3) as they pass; `starts` are the first frames of the parts, 0 among them."""
    meters = [LookMeter() for _ in starts]
    recent: deque[npt.NDArray[np.int16]] = deque(maxlen=max(DISTANCES))
    changes: list[float] = []
    apart: dict[int, list[float]] = {distance: [] for distance in DISTANCES}
    part = 0
    for number, frame in enumerate(frames):
        if part + 1 < len(starts) and number >= starts[part + 1]:
            part += 1
        meters[part].add(frame)
        small = frame[:: -(-frame.shape[0] // SIDE), :: -(-frame.shape[1] // SIDE)].astype(np.int16)
        for distance in (1, *DISTANCES):
            if distance <= len(recent):
                difference = float(np.abs(small - recent[-distance]).mean())
                (changes if distance == 1 else apart[distance]).append(difference)
        recent.append(small)
    likeness = {distance: 1 - mean(values) / 255 for distance, values in apart.items() if values}
    looks = tuple(meter.look() for meter in meters)
    return Drift(tuple(starts), looks, tuple(_step(changes, start - 1) for start in starts[1:]), likeness)


def _step(changes: Sequence[float], place: int) -> float:
    """The change at a place over the median of those around it."""
    around = [*changes[max(0, place - JOIN_REACH) : place], *changes[place + 1 : place + 1 + JOIN_REACH]]
    return (changes[place] + LEAST_CHANGE) / (median(around or [changes[place]]) + LEAST_CHANGE)
