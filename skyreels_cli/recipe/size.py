"""Width and height of a film from `resolution` and `aspect`.

| aspect | 540P    | 720P     |
|--------|---------|----------|
| 16:9   | 960x544 | 1280x720 |
| 4:3    | 832x624 | 1104x832 |
| 1:1    | 720x720 | 960x960  |
| 3:4    | 624x832 | 832x1104 |
| 9:16   | 544x960 | 720x1280 |
"""

from __future__ import annotations

import math
import re

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.choices import Aspect

NAMED = {"540P": (960, 544), "720P": (1280, 720)}


def is_named(resolution: str) -> bool:
    """Whether it is 540P or 720P, which a portrait image turns upright, and no size in pixels."""
    return resolution.upper() in NAMED


def parse_size(resolution: str) -> tuple[int, int]:
    """(width, height) of `540P`, `720P` or `WIDTHxHEIGHT`; UsageError `bad-resolution` for anything else."""
    if is_named(resolution):
        return NAMED[resolution.upper()]
    size = re.fullmatch(r"(\d+)x(\d+)", resolution.lower())
    if not size or "0" in size.groups():
        message = f"resolution {resolution!r} is none of 540P, 720P and WIDTHxHEIGHT in pixels"
        raise UsageError("bad-resolution", message, "--resolution 960x544")
    return int(size[1]), int(size[2])


def turn(width: int, height: int, aspect: Aspect, multiple: int) -> tuple[int, int]:
    """(width, height) of that aspect with about the same area, both sides multiples of `multiple` pixels."""
    across, down = (int(part) for part in aspect.split(":"))
    ratio = max(across, down) / min(across, down)
    short_side = math.sqrt(width * height / ratio)
    long, short = _round(short_side * ratio, multiple), _round(short_side, multiple)
    return (long, short) if across >= down else (short, long)


def nearest_size(video: tuple[int, int], area: int, multiple: int) -> tuple[int, int]:
    """(width, height) of a film that continues a video: the video's own, or about `area` pixels if that is less.

    The sides of a video that fits into the area are rounded up to multiples, so that it need not be scaled.
    """
    shrink = math.sqrt(area / (video[0] * video[1]))
    if shrink >= 1:
        return _round_up(video[0], multiple), _round_up(video[1], multiple)
    return _round(video[0] * shrink, multiple), _round(video[1] * shrink, multiple)


def picture_within(film: tuple[int, int], video: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of the video's shape that fits into the film's frame and the video."""
    shrink = min(1.0, film[0] / video[0], film[1] / video[1])
    return max(1, round(video[0] * shrink)), max(1, round(video[1] * shrink))


def _round_up(pixels: int, multiple: int) -> int:
    return -(-pixels // multiple) * multiple


def _round(pixels: float, multiple: int) -> int:
    return max(multiple, round(pixels / multiple) * multiple)
