"""Measures films of the toy world against what was asked: background, colour, shape, direction, size; numpy
only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .meaning import Meaning
from .motions import MOVES
from .palette import BACKGROUND_RGB, OBJECT_COLOURS, nearest_colour
from .regions import count_regions
from .shapes import SHAPES, pixel_grid, shape_mask

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

DIFFERENT: Final = 0.16
"""RGB distance from the background over which a pixel belongs to an object."""

LEAST_AREA: Final = 40.0
"""Pixels under which there is no object."""

MOVED: Final = 0.25
"""Pixels a frame over which an object moves; the slowest in training makes 0.6."""

RESIZED: Final = 1.25
"""Factor of the radius over which an object grows (or under whose inverse it shrinks)."""


@dataclass(frozen=True)
class ObjectTrack:
    """One object through a film: names, centres (f, 2) as x, y, radii (f,), misfit of the shape 0..1, colour."""

    colour: str
    shape: str
    centres: Floats
    radii: Floats
    misfit: float
    rgb: tuple[float, float, float]


def background_rows(film: Bytes) -> Floats:
    """Return the background of each row, (f, h, 1, 3) in 0..1: the row's median, or the film's if far off."""
    rows = np.median(film.astype(np.float32) / 255.0, axis=2, keepdims=True)
    whole = np.median(rows, axis=0, keepdims=True)
    near = np.linalg.norm(rows - whole, axis=-1, keepdims=True) < DIFFERENT
    steady: Floats = np.where(near, rows, whole).astype(np.float32)
    return steady


def background_names(film: Bytes) -> tuple[str, ...]:
    """Name the background: one colour, or top and bottom of a ramp."""
    rows = np.median(background_rows(film)[:, :, 0], axis=0)
    top, low = rows[:5].mean(0), rows[-5:].mean(0)
    middle = np.median(np.median(film.reshape(len(film), -1, 3), axis=1), axis=0) / 255.0
    if np.linalg.norm(top - low) < 0.2:
        return (_name(middle),)
    return (_name(top), _name(low))


def _name(rgb: NDArray[np.floating]) -> str:
    red, green, blue = (float(value) for value in rgb)
    return nearest_colour((red, green, blue))


def look(film: Bytes, left: int = 0, right: int | None = None, rows: Floats | None = None) -> ObjectTrack | None:
    """Look at the object between columns `left` and `right` of uint8 (f, h, w, 3); None if there is none in
    half the frames.
    """
    rows = background_rows(film) if rows is None else rows
    pixels = film[:, :, left:right].astype(np.float32) / 255.0
    difference = pixels - rows
    away = np.linalg.norm(difference, axis=-1)
    sizes = (away > DIFFERENT).sum((1, 2))
    if np.mean(sizes >= LEAST_AREA) < 0.5:
        return None
    rgb = _object_colour(pixels, away, int(np.argsort(sizes)[len(sizes) // 2]))
    cover = _cover(difference, rgb - rows, away)
    area = cover.sum((1, 2)) + 1e-6
    y, x = pixel_grid(*cover.shape[1:])
    centres = np.stack(((cover * x).sum((1, 2)) / area + left, (cover * y).sum((1, 2)) / area), axis=1)
    shape, misfit = _shape(cover)
    named = (float(rgb[0]), float(rgb[1]), float(rgb[2]))
    colour = nearest_colour(named, OBJECT_COLOURS)
    return ObjectTrack(colour, shape, centres, np.sqrt(area / np.pi), misfit, named)


def _object_colour(pixels: Floats, away: Floats, middle: int) -> Floats:
    """Take the median over the pixels of a middle-sized frame that differ most from the background."""
    far = away[middle]
    inside = far >= np.quantile(far[far > DIFFERENT], 0.4) if (far > DIFFERENT).any() else far >= far.max()
    rgb: Floats = np.median(pixels[middle][inside], axis=0)
    return rgb


def _cover(difference: Floats, towards: Floats, away: Floats) -> Floats:
    """Return how far (0..1) each pixel went from background to object colour; what hardly differs is 0."""
    share = (difference * towards).sum(-1) / np.maximum((towards**2).sum(-1), 1e-4)
    cover: Floats = np.where(away > DIFFERENT * 0.5, np.clip(share, 0.0, 1.0), 0.0).astype(np.float32)
    return cover


def _shape(cover: Floats) -> tuple[str, float]:
    """Fit all four shapes to the frame whose object touches the border least; return the best and its
    misfit.
    """
    border = cover[:, 0].sum(1) + cover[:, -1].sum(1) + cover[:, :, 0].sum(1) + cover[:, :, -1].sum(1)
    areas = cover.sum((1, 2))
    typical = np.abs(np.log(np.maximum(areas, 1.0) / max(float(np.median(areas)), 1.0)))
    order = np.argsort(border + 5.0 * typical + 0.001 * np.arange(len(cover)))
    frames = cover[order[:3]]
    totals = {shape: float(np.mean([_misfit(frame, shape) for frame in frames])) for shape in SHAPES}
    best = min(totals, key=lambda shape: totals[shape])
    return best, totals[best]


@lru_cache(maxsize=8)
def _unit(shape: str) -> tuple[float, float]:
    """Return area and downward centroid offset of a shape of nominal radius 1 (measured at radius 100)."""
    y, x = pixel_grid(300, 300)
    mask = shape_mask(shape, y - 150, x - 150, np.full((1, 1, 1), 100.0, np.float32))
    area = float(mask.sum())
    return area / 1e4, (float((mask * y).sum()) / area - 150.0) / 100.0


def _misfit(cover: Floats, shape: str) -> float:
    """Share of the area by which the best-placed `shape` differs from `cover` (h, w)."""
    y, x = pixel_grid(*cover.shape)
    area = float(cover.sum()) + 1e-6
    unit_area, offset = _unit(shape)
    radius = (area / unit_area) ** 0.5
    centre_x = float((cover * x[0]).sum()) / area
    centre_y = float((cover * y[0]).sum()) / area - offset * radius
    place, best = np.array([centre_x, centre_y, radius]), np.inf
    for step in (1.5, 0.7, 0.3):
        place, best = _descend(cover, shape, place, step)
    return best / area


def _descend(cover: Floats, shape: str, place: NDArray[np.float64], step: float) -> tuple[NDArray[np.float64], float]:
    """Move x, y, radius by ±`step` as long as the difference falls."""
    best = _difference(cover, shape, place)
    for _ in range(6):
        trials = [place + step * sign * np.eye(3)[axis] for axis in range(3) for sign in (-1, 1)]
        values = [_difference(cover, shape, trial) for trial in trials]
        if min(values) >= best:
            break
        best, place = min(values), trials[int(np.argmin(values))]
    return place, best


def _difference(cover: Floats, shape: str, place: NDArray[np.float64]) -> float:
    y, x = pixel_grid(*cover.shape)
    centre_x, centre_y, radius = (np.float32(value) for value in place)
    radii = np.full((1, 1, 1), max(radius, np.float32(2)), np.float32)
    return float(np.abs(shape_mask(shape, y - centre_y, x - centre_x, radii)[0] - cover).sum())


def count_objects(film: Bytes) -> int:
    """Return how many objects uint8 (f, h, w, 3) shows: the median over five of its frames."""
    frames = film[np.linspace(0, len(film) - 1, 5).round().astype(int)]
    away = np.linalg.norm(frames.astype(np.float32) / 255.0 - background_rows(frames), axis=-1)
    return int(np.median([count_regions(mask, LEAST_AREA) for mask in away > DIFFERENT]))


def direction(seen: ObjectTrack) -> str:
    """Name the direction from the first to the last tenth of a film, or "still"."""
    ends = max(1, len(seen.centres) // 10)
    moved = np.median(seen.centres[-ends:], axis=0) - np.median(seen.centres[:ends], axis=0)
    if np.abs(moved).max() <= MOVED * (len(seen.centres) - ends):
        return "still"
    return max(MOVES, key=lambda name: float(np.dot(MOVES[name], moved)))


def size_change(seen: ObjectTrack) -> float:
    """Return the factor by which the radius changes from the first to the last tenth."""
    ends = max(1, len(seen.radii) // 10)
    return float(np.median(seen.radii[-ends:]) / max(float(np.median(seen.radii[:ends])), 1e-3))


def score(film: Bytes, asked: Meaning) -> dict[str, bool]:
    """Judge a film (f, h, w, 3) uint8 against `asked`: one truth value per attribute that was asked for.

    Attributes left empty in the meaning (a vague prompt) are not judged.
    """
    if asked.kind == "two":
        return _score_two(film, asked)
    seen = look(film)
    marks = {"object": seen is not None}
    if asked.background:
        marks["background"] = background_names(film) == asked.background
    if not asked.objects:
        return marks
    shape, colour = asked.objects[0]
    marks["count"] = count_objects(film) == len(asked.objects)
    marks["shape"] = seen is not None and seen.shape == shape
    if colour:
        marks["colour"] = seen is not None and seen.colour == colour
    marks.update(_score_change(seen, asked))
    return marks


def _score_change(seen: ObjectTrack | None, asked: Meaning) -> dict[str, bool]:
    """Judge motion, size or camera of one object."""
    if asked.kind == "swing":
        return {"swing": seen is not None and _swings(seen, asked.motion == "swing across")}
    if asked.kind in ("resize", "zoom"):
        grows = asked.motion == "grow" or asked.camera == "in"
        change = size_change(seen) if seen else 1.0
        return {"size": change > RESIZED if grows else change < 1 / RESIZED}
    wanted = {"left": "right", "right": "left"}[asked.camera] if asked.kind == "pan" else asked.motion
    return {"direction": seen is not None and direction(seen) == wanted}


def _swings(seen: ObjectTrack, across: bool) -> bool:
    """Tell whether the path reaches far along one axis only, and turns (33 frames may hold but half a swing)."""
    along, aside = (seen.centres[:, 0], seen.centres[:, 1])[:: 1 if across else -1]
    steps = np.diff(along[::4])
    turns = len(along) <= 33 or ((steps > 0.3).any() and (steps < -0.3).any())
    return bool(np.ptp(along) > 6 and np.ptp(aside) < np.ptp(along) and turns)


def _score_two(film: Bytes, asked: Meaning) -> dict[str, bool]:
    """Judge two objects side by side; the gap between them is the emptiest column of the middle half."""
    colour = np.median(film.reshape(-1, 3), axis=0).astype(np.float32) / 255.0
    rows = np.broadcast_to(colour, (len(film), film.shape[1], 1, 3)).astype(np.float32)
    marks = {"background": (_name(colour),) == asked.background, "count": count_objects(film) == len(asked.objects)}
    for place, part in enumerate(_halves(film, rows)):
        shape, name = asked.objects[place]
        seen = look(film, *part, rows=rows)
        marks[f"shape {place + 1}"] = seen is not None and seen.shape == shape
        marks[f"colour {place + 1}"] = seen is not None and seen.colour == name
        marks[f"direction {place + 1}"] = seen is not None and direction(seen) == asked.motion
    return marks


def _halves(film: Bytes, rows: Floats) -> tuple[tuple[int, int], tuple[int, int]]:
    """Split the columns where objects are rarest over the whole film, nearest to the objects' common
    centre.
    """
    away = np.linalg.norm(film.astype(np.float32) / 255.0 - rows, axis=-1) > DIFFERENT
    columns = away.sum((0, 1)).astype(np.float64)
    middle = float((columns * np.arange(len(columns))).sum() / max(columns.sum(), 1.0))
    offsets = np.abs(np.arange(len(columns)) - middle)
    split = int(np.argmin(columns + 0.01 * offsets + 1e6 * (offsets > 24)))
    return (0, split), (split, film.shape[2])


def all_right(marks: dict[str, bool]) -> bool:
    """Tell whether every asked attribute is right."""
    return all(marks.values())


def known_backgrounds() -> tuple[str, ...]:
    """Return the background names that `background_names` can answer with."""
    return tuple(BACKGROUND_RGB)
