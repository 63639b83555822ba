"""Where an object is and how large, frame by frame: closed forms of time, so any window of a long film can
be cut out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MOVES: Final = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
"""Direction → unit step (x, y) on the screen, y downwards."""

SINGLE_MOTIONS: Final = ("left", "right", "up", "down", "still")
_EASE: Final = 5.0
"""Pixels over which a moving object slows down before it rests."""


@dataclass(frozen=True)
class Track:
    """An object's path: centre x, y and nominal radius in pixels, each of shape (frames,)."""

    x: Floats
    y: Floats
    radius: Floats


def eased(distance: Floats, room: float) -> Floats:
    """Travelled `distance` that comes softly to rest at `room`: room − ease·log(1 + exp((room −
    d)/ease))-like.
    """
    soft = _EASE * np.logaddexp(0.0, (room - distance) / _EASE)
    travelled: Floats = (room - soft).astype(np.float32)
    return travelled


def straight(
    start: tuple[float, float], direction: str, speed: float, *, room: float, times: Floats, radius: float
) -> Track:
    """Move from `start` at `speed` pixels a frame until `room` pixels are covered, then rest."""
    step_x, step_y = MOVES.get(direction, (0.0, 0.0))
    travelled = eased(speed * times, room) - eased(np.zeros(1, np.float32), room)
    full = np.full_like(times, radius)
    return Track(start[0] + step_x * travelled, start[1] + step_y * travelled, full)


def swinging(
    centre: tuple[float, float],
    horizontal: bool,
    reach: float,
    *,
    period: float,
    times: Floats,
    radius: float,
) -> Track:
    """Swing about `centre` by ±`reach` pixels with `period` frames: never leaves, so long films keep their
    object.
    """
    offset = (reach * np.sin(2 * np.pi * times / period)).astype(np.float32)
    still = np.zeros_like(offset)
    dx, dy = (offset, still) if horizontal else (still, offset)
    return Track(centre[0] + dx, centre[1] + dy, np.full_like(times, radius))


def resizing(centre: tuple[float, float], first: float, last: float, rate: float, times: Floats) -> Track:
    """Grow or shrink from radius `first` at `rate` pixels a frame until `last`, then rest."""
    change = np.minimum(rate * times, abs(last - first)) * np.sign(last - first)
    still = np.zeros_like(times)
    return Track(centre[0] + still, centre[1] + still, (first + change).astype(np.float32))


def zoomed(track: Track, middle: tuple[float, float], log_rate: float, limit: float, times: Floats) -> Track:
    """Scale a track about the picture's `middle` by exp(log_rate·t), at most by the factor exp(±limit)."""
    scale = np.exp(np.clip(log_rate * times, -limit, limit)).astype(np.float32)
    x = middle[0] + (track.x - middle[0]) * scale
    y = middle[1] + (track.y - middle[1]) * scale
    return Track(x, y, track.radius * scale)
