"""The colours of the toy world and the pairs of them that a person tells apart at once."""

from __future__ import annotations

import math
from typing import Final

Rgb = tuple[float, float, float]

BACKGROUND_RGB: Final[dict[str, Rgb]] = {
    "red": (0.88, 0.13, 0.13),
    "orange": (0.97, 0.55, 0.10),
    "yellow": (0.97, 0.88, 0.20),
    "green": (0.18, 0.68, 0.26),
    "blue": (0.16, 0.36, 0.93),
    "purple": (0.60, 0.24, 0.76),
    "white": (0.96, 0.96, 0.96),
    "black": (0.04, 0.04, 0.05),
    "grey": (0.54, 0.54, 0.56),
    "brown": (0.46, 0.28, 0.15),
    "dark blue": (0.06, 0.10, 0.40),
    "light blue": (0.60, 0.82, 0.97),
    "dark green": (0.06, 0.36, 0.18),
}
"""Name → sRGB in 0..1 of every colour a plain background may have."""

OBJECT_COLOURS: Final = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
"""The eight colours an object may have: the first eight of `BACKGROUND_RGB`."""

MIN_DISTANCE: Final = 0.3
"""Least Euclidean RGB distance of an object from its background."""


def rgb_distance(first: Rgb, second: Rgb) -> float:
    """Return the Euclidean distance of two colours in RGB, 0 to sqrt(3)."""
    return math.dist(first, second)


def clear_pairs() -> list[tuple[str, str]]:
    """List every (object colour, background colour) whose distance is over `MIN_DISTANCE`."""
    return [
        (colour, background)
        for colour in OBJECT_COLOURS
        for background, rgb in BACKGROUND_RGB.items()
        if rgb_distance(BACKGROUND_RGB[colour], rgb) > MIN_DISTANCE
    ]


def nearest_colour(rgb: Rgb, names: tuple[str, ...] = tuple(BACKGROUND_RGB)) -> str:
    """Return the name among `names` whose colour lies nearest to `rgb` (0..1)."""
    return min(names, key=lambda name: rgb_distance(BACKGROUND_RGB[name], rgb))
