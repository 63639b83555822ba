"""What a prompt of the toy world can mean, and how meanings are drawn for training and for tests."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from .motions import SINGLE_MOTIONS
from .palette import BACKGROUND_RGB, MIN_DISTANCE, OBJECT_COLOURS, clear_pairs, rgb_distance
from .shapes import SHAPES

KINDS: Final = ("single", "swing", "resize", "gradient", "two", "pan", "zoom", "scene")
MIXTURE: Final = {
    "single": 0.33,
    "swing": 0.03,
    "resize": 0.11,
    "gradient": 0.08,
    "two": 0.33,
    "pan": 0.03,
    "zoom": 0.06,
    "scene": 0.03,
}
"""Share of each kind among the training clips: one object must not fail, two have by far the most combinations."""

SUBJECTS: Final = ("swan", "boat", "balloon")
PLACES: Final = ("lake", "hills")
DAYTIMES: Final = ("dawn", "day", "dusk", "night")
HELD_OUT_SHARE: Final = 0.06
"""Share of (shape, colour, background, motion) combinations never trained: the prompts of the tests."""

_PAIRS: Final = clear_pairs()


@dataclass(frozen=True)
class Meaning:
    """The content of one prompt, free of wording.

    `objects` are (shape, colour), left to right; `background` is one colour name, or two from top to bottom;
    `motion` is a direction, "still", "swing across", "swing along", "grow" or "shrink"; `camera` is "",
    "left",
    "right", "in" or "out".
    """

    kind: str
    objects: tuple[tuple[str, str], ...] = ()
    background: tuple[str, ...] = ()
    motion: str = "still"
    camera: str = ""
    scene: tuple[str, str, str] = ("", "", "")


def held_out(shape: str, colour: str, background: str, motion: str) -> bool:
    """Tell whether this combination is kept for tests (by a fixed hash, so every run agrees)."""
    key = f"{shape}/{colour}/{background}/{motion}".encode()
    return zlib.crc32(key) % 10_000 < HELD_OUT_SHARE * 10_000


def draw_single(rng: np.random.Generator, unseen: bool = False) -> Meaning:
    """Draw one object on a plain background, from the trained combinations or from the unseen ones."""
    while True:
        colour, background = _PAIRS[rng.integers(len(_PAIRS))]
        shape, motion = str(rng.choice(SHAPES)), str(rng.choice(SINGLE_MOTIONS))
        if held_out(shape, colour, background, motion) == unseen:
            return Meaning("single", ((shape, colour),), (background,), motion)


def draw_meaning(rng: np.random.Generator, kind: str | None = None) -> Meaning:
    """Draw a training meaning, of `kind` if given, else of a kind drawn from `MIXTURE`."""
    kind = kind or str(rng.choice(list(MIXTURE), p=list(MIXTURE.values())))
    if kind == "single":
        return draw_single(rng)
    if kind == "scene":
        return Meaning("scene", motion=str(rng.choice(("left", "right", "still"))), scene=_draw_scene(rng))
    return _draw_variant(rng, kind)


def _draw_variant(rng: np.random.Generator, kind: str) -> Meaning:
    """Draw one of the wider kinds: a single object with one more attribute, or two objects."""
    base = draw_single(rng)
    if kind == "swing":
        return Meaning(kind, base.objects, base.background, str(rng.choice(("swing across", "swing along"))))
    if kind == "resize":
        return Meaning(kind, base.objects, base.background, str(rng.choice(("grow", "shrink"))))
    if kind == "gradient":
        return Meaning(kind, base.objects, _draw_gradient(rng, base), base.motion)
    if kind == "pan":
        return Meaning(kind, base.objects, base.background, camera=str(rng.choice(("left", "right"))))
    if kind == "zoom":
        return Meaning(kind, base.objects, base.background, camera=str(rng.choice(("in", "out"))))
    return Meaning("two", (base.objects[0], _draw_second(rng, base)), base.background, _draw_common_motion(rng))


def _draw_gradient(rng: np.random.Generator, base: Meaning) -> tuple[str, str]:
    """Draw a second background colour clear of the first and of the object, in random order."""
    first, colour = base.background[0], base.objects[0][1]
    clear = [name for name in BACKGROUND_RGB if _clear(name, first) and _clear(name, colour)]
    second = str(rng.choice(clear))
    return (first, second) if rng.random() < 0.5 else (second, first)


def _draw_second(rng: np.random.Generator, base: Meaning) -> tuple[str, str]:
    """Draw another object that differs from the first and is clear of the background."""
    while True:
        shape, colour = str(rng.choice(SHAPES)), str(rng.choice(OBJECT_COLOURS))
        if (shape, colour) != base.objects[0] and _clear(colour, base.background[0]):
            return shape, colour


def _draw_common_motion(rng: np.random.Generator) -> str:
    return "still" if rng.random() < 0.5 else str(rng.choice(("left", "right", "up", "down")))


def _draw_scene(rng: np.random.Generator) -> tuple[str, str, str]:
    subject = str(rng.choice(SUBJECTS, p=(0.5, 0.25, 0.25)))
    place = str(rng.choice(PLACES)) if subject == "balloon" else "lake"
    return subject, place, str(rng.choice(DAYTIMES))


def _clear(first: str, second: str) -> bool:
    return rgb_distance(BACKGROUND_RGB[first], BACKGROUND_RGB[second]) > MIN_DISTANCE
