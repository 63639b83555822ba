"""Anti-aliased masks of the toy world's shapes, from signed distances in pixels (negative inside)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SHAPES: Final = ("circle", "square", "triangle", "star")
EXTENT: Final = {"circle": 1.0, "square": 0.88, "triangle": 1.1, "star": 1.22}
"""Half width of a shape of nominal radius 1; chosen so that all four look about equally large."""

_STAR_INNER: Final = 0.47
"""Inner over outer radius of the star: slimmer arms vanish in an 8-pixel latent cell."""


def pixel_grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Return pixel-centre coordinates y of shape (1, h, 1) and x of shape (1, 1, w)."""
    y = np.arange(height, dtype=np.float32)[None, :, None] + np.float32(0.5)
    x = np.arange(width, dtype=np.float32)[None, None, :] + np.float32(0.5)
    return y, x


def coverage(distance: NDArray[np.floating]) -> Floats:
    """Turn signed distances in pixels into 0..1 coverage with a one-pixel soft edge."""
    soft: Floats = np.clip(0.5 - distance, 0.0, 1.0).astype(np.float32)
    return soft


def shape_mask(shape: str, dy: Floats, dx: Floats, radius: Floats) -> Floats:
    """Coverage (f, h, w) of `shape` of nominal `radius` (f, 1, 1) at offsets `dy`, `dx` from its centre."""
    distances = {"circle": _circle, "square": _square, "triangle": _triangle, "star": _star}
    return coverage(distances[shape](dy, dx, radius * np.float32(EXTENT[shape])))


def ellipse_mask(dy: Floats, dx: Floats, half_height: float, half_width: float) -> Floats:
    """Coverage of an axis-aligned ellipse (distance by first-order approximation)."""
    norm = np.sqrt((dy / half_height) ** 2 + (dx / half_width) ** 2)
    return coverage((norm - 1.0) * np.float32(min(half_height, half_width)))


def polygon_mask(y: Floats, x: Floats, corners: list[tuple[float, float]]) -> Floats:
    """Coverage of a convex polygon with `corners` (x, y) in clockwise screen order."""
    distance: NDArray[np.floating] | None = None
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = math.hypot(x1 - x0, y1 - y0)
        edge = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / np.float32(length)
        distance = edge if distance is None else np.maximum(distance, edge)
    if distance is None:
        raise ValueError("a polygon needs corners")
    return coverage(distance)


def stroke_mask(y: Floats, x: Floats, points: list[tuple[float, float]], half_width: float) -> Floats:
    """Coverage of a round-ended polyline through `points` (x, y)."""
    distance = None
    for (x0, y0), (x1, y1) in pairwise(points):
        ax, ay = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * ax + (y - y0) * ay) / np.float32(ax * ax + ay * ay), 0.0, 1.0)
        part = np.sqrt((x - x0 - along * ax) ** 2 + (y - y0 - along * ay) ** 2)
        distance = part if distance is None else np.minimum(distance, part)
    if distance is None:
        raise ValueError("a stroke needs two points")
    return coverage(distance - np.float32(half_width))


def _circle(dy: Floats, dx: Floats, radius: Floats) -> Floats:
    return np.sqrt(dy * dy + dx * dx) - radius


def _square(dy: Floats, dx: Floats, half: Floats) -> Floats:
    return np.maximum(np.abs(dy), np.abs(dx)) - half


def _triangle(dy: Floats, dx: Floats, half: Floats) -> Floats:
    """Upright triangle whose base is 2·half wide and which is 1.85·half tall, centred on its bounding box."""
    height = np.float32(1.85)
    slope = np.float32(1.0 / math.sqrt(1.0 + 1.0 / (1.85 * 1.85)))
    side = (np.abs(dx) - (dy / (half * height) + np.float32(0.5)) * half) * slope
    distance: Floats = np.maximum(side, dy - half * height / 2)
    return distance


def _star(dy: Floats, dx: Floats, radius: Floats) -> Floats:
    """Five-pointed star, one point up: the angle is folded into half an arm and measured to its edge line."""
    fifth = np.float32(2 * math.pi / 5)
    angle = np.arctan2(dx, -dy)
    folded = np.abs(angle - fifth * np.round(angle / fifth))
    length = np.sqrt(dy * dy + dx * dx)
    along, across = length * np.cos(folded), length * np.sin(folded)
    inner_x = math.cos(math.pi / 5) * _STAR_INNER
    inner_y = math.sin(math.pi / 5) * _STAR_INNER
    norm = math.hypot(1 - inner_x, inner_y)
    return ((along - radius) * np.float32(inner_y / norm) + across * np.float32((1 - inner_x) / norm)).astype(
        np.float32
    )
