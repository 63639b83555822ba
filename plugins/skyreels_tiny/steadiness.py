"""How a film of the toy world holds over time: joins of windows, drift between them, steadiness of outlines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .scoring import ObjectTrack, background_rows, look

Bytes = NDArray[np.uint8]

JOIN_REACH: Final = 8
"""Frames on each side of a join whose usual change is what the join's change is compared with."""


@dataclass(frozen=True)
class WindowState:
    """What one window of a film shows, and how far its object and background went from the first window.

    `background_shift` and `colour_shift` are RGB distances (0..1.7), `size` the radius over that of the first window,
    `misfit` how far the outline is from the shape it looks most like.
    """

    shape: str
    colour: str
    background_shift: float
    colour_shift: float
    size: float
    misfit: float


def joins(frames: int, base: int, overlap: int) -> list[int]:
    """Return the first frame of every window after the first."""
    return list(range(base, frames, base - overlap))


def join_jump(film: Bytes, join: int) -> float:
    """Return the change into frame `join` over the median change of the frames around it: 1 is seamless."""
    low, high = max(1, join - JOIN_REACH), min(len(film), join + JOIN_REACH + 1)
    changes = np.array([_change(film[i - 1], film[i]) for i in range(low, high)])
    usual = float(np.median(np.delete(changes, join - low)))
    return (float(changes[join - low]) + 1e-3) / (usual + 1e-3)


def _change(first: Bytes, second: Bytes) -> float:
    """Mean absolute difference of two pictures, 0..255."""
    return float(np.abs(first.astype(np.int16) - second.astype(np.int16)).mean())


def centre_jump(film: Bytes, join: int) -> float | None:
    """Return by how many pixels the object's step into `join` differs from those before; None without object."""
    seen = look(film[max(0, join - JOIN_REACH) : join + 1])
    if seen is None or len(seen.centres) < 3:
        return None
    steps = np.diff(seen.centres, axis=0)
    return float(np.linalg.norm(steps[-1] - np.median(steps[:-1], axis=0)))


def drift(film: Bytes, base: int, overlap: int) -> list[WindowState | None]:
    """Return the state of each window's own frames; None where no object is seen."""
    starts = [0, *joins(len(film), base, overlap), len(film)]
    parts = [film[start:end] for start, end in pairwise(starts) if end - start > 2]
    first = look(parts[0])
    return [_state(part, parts[0], first) for part in parts]


def _state(part: Bytes, first_part: Bytes, first: ObjectTrack | None) -> WindowState | None:
    seen = look(part)
    if seen is None or first is None:
        return None
    shift = np.median(background_rows(part), axis=(0, 1, 2)) - np.median(background_rows(first_part), axis=(0, 1, 2))
    return WindowState(
        seen.shape,
        seen.colour,
        float(np.linalg.norm(shift)),
        float(np.linalg.norm(np.subtract(seen.rgb, first.rgb))),
        float(np.median(seen.radii) / max(float(np.median(first.radii)), 1e-3)),
        seen.misfit,
    )


def wobble(film: Bytes) -> float | None:
    """Return how unsteady the outline is: mean change of the radius per frame, in pixels, its trend removed."""
    seen = look(film)
    if seen is None:
        return None
    trend = np.polyval(np.polyfit(np.arange(len(seen.radii)), seen.radii, 1), np.arange(len(seen.radii)))
    return float(np.abs(np.diff(seen.radii - trend)).mean())
