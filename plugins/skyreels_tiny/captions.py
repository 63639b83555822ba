"""From a meaning to English: a small grammar with paraphrases, and back again for the scorer."""

from __future__ import annotations

from typing import Final

import numpy as np

from .meaning import DAYTIMES, PLACES, SUBJECTS, Meaning
from .motions import MOVES
from .palette import BACKGROUND_RGB
from .shapes import SHAPES
from .vocabulary import canonical

_VERBS: Final = ("moves", "moves", "is moving", "slides", "drifts", "glides", "goes", "travels")
_TOWARDS: Final = {
    "left": ("to the left", "left", "leftwards", "from right to left"),
    "right": ("to the right", "right", "rightwards", "from left to right"),
    "up": ("up", "upwards", "up"),
    "down": ("down", "downwards", "down"),
}
_WHOLE: Final = {
    "up": ("rises", "is rising"),
    "down": ("falls", "sinks"),
    "still": ("stays still", "is still", "stands still", "does not move", "rests", "", "", ""),
    "grow": ("grows", "gets bigger", "is growing", "expands"),
    "shrink": ("shrinks", "gets smaller", "is shrinking", "contracts"),
    "swing across": ("bounces left and right", "moves back and forth", "swings from side to side"),
    "swing along": ("bounces up and down", "moves up and down", "bounces up and down"),
}
_OVER: Final = (
    "over a {} background",
    "over a {} background",
    "on a {} background",
    "against a {} backdrop",
    "on {}",
    "over {}",
)
_GRADIENT: Final = (
    "over a gradient from {} to {}",
    "over a gradient background from {} to {}",
    "over a background fading from {} to {}",
)
_CAMERA: Final = {
    "left": ("the camera pans left", "the camera pans to the left"),
    "right": ("the camera pans right", "the camera pans to the right"),
    "in": ("the camera zooms in", "camera zooming in"),
    "out": ("the camera zooms out", "camera zooming out"),
}
_SCENE_COLOUR: Final = {"swan": "white ", "boat": "", "balloon": "red "}
_MOOD: Final = (
    "",
    "",
    "its reflection mirrored in the still water",
    "as mist rises from the surface",
    "its reflection perfectly mirrored in the still water as mist rises, dipping its head into the water",
    "a peaceful scene in cut paper",
)


def describe(meaning: Meaning, rng: np.random.Generator) -> str:
    """Word a meaning: usually subject, motion, background; one time in six the background first."""
    if meaning.kind == "scene":
        return _describe_scene(meaning, rng)
    subject = " and ".join(f"{_article(colour)} {colour} {shape}" for shape, colour in meaning.objects)
    motion, ground = _motion(meaning, rng), _ground(meaning, rng)
    if meaning.camera:
        return f"{subject} {ground}, {_pick(rng, _CAMERA[meaning.camera])}"
    if rng.random() < 1 / 6:
        return f"{ground}, {subject} {motion}".strip()
    return " ".join(f"{subject} {motion} {ground}".split())


def describe_vaguely(meaning: Meaning, rng: np.random.Generator) -> str:
    """Leave out one or two of colour, motion and background, as people do."""
    shape, colour = meaning.objects[0]
    subject = f"a {shape}" if rng.random() < 0.4 else f"a {colour} {shape}"
    motion = _motion(meaning, rng) if rng.random() < 0.5 else ""
    ground = _ground(meaning, rng) if rng.random() < 0.3 else ""
    return " ".join(f"{subject} {motion} {ground}".split())


def parse(prompt: str) -> Meaning:
    """Read a prompt's meaning back from its known words; what is not said stays empty."""
    words = canonical(prompt).split()
    subject = next((word for word in words if word in SUBJECTS), "")
    motion = _parse_motion(words)
    if subject:
        place = next((word for word in words if word in PLACES), "lake")
        daytime = next((word for word in words if word in DAYTIMES), "day")
        return Meaning("scene", motion=motion, scene=(subject, place, daytime))
    objects, background = _parse_things(words)
    camera = _parse_camera(words)
    return Meaning(
        _kind(motion, camera, objects, background), objects, background, "still" if camera else motion, camera
    )


def _motion(meaning: Meaning, rng: np.random.Generator) -> str:
    """Word the motion; two objects take the plural."""
    name = meaning.motion
    if name in _WHOLE and (name not in MOVES or rng.random() < 0.25):
        wording = _pick(rng, _WHOLE[name])
    else:
        wording = f"{_pick(rng, _VERBS)} {_pick(rng, _TOWARDS[name])}"
    return f"both {wording}" if meaning.kind == "two" and wording and rng.random() < 0.5 else wording


def _ground(meaning: Meaning, rng: np.random.Generator) -> str:
    if len(meaning.background) == 2:
        return _pick(rng, _GRADIENT).format(*meaning.background)
    return _pick(rng, _OVER).format(meaning.background[0])


def _describe_scene(meaning: Meaning, rng: np.random.Generator) -> str:
    subject, place, daytime = meaning.scene
    colour = _SCENE_COLOUR[subject] if rng.random() < 0.4 else ""
    verb = _pick(rng, ("moves", "swims", "drifts", "sails"))
    going = "" if meaning.motion == "still" else f"{verb} {_pick(rng, _TOWARDS[meaning.motion])}"
    when = {"day": ("by day", "at noon"), "night": ("at night",)}.get(daytime, (f"at {daytime}",))
    mood = _pick(rng, _MOOD) if place == "lake" else ""
    where = f"{_pick(rng, ('on', 'over'))} {_the(place)} {_pick(rng, when)}"
    return " ".join(f"a {colour}{subject} {going} {where}, {mood}".split())


def _the(place: str) -> str:
    return "a lake" if place == "lake" else "the hills"


def _article(colour: str) -> str:
    return "an" if colour[0] in "aeiou" else "a"


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _parse_motion(words: list[str]) -> str:
    directions = [word for word in words if word in MOVES]
    if "bounces" in words or {"up", "down"} <= set(directions):
        return "swing along" if "up" in directions else "swing across"
    for word, motion in (("grows", "grow"), ("shrinks", "shrink")):
        if word in words:
            return motion
    return directions[0] if directions else "still"


def _parse_camera(words: list[str]) -> str:
    if "zoomin" in words or "zoomout" in words:
        return "in" if "zoomin" in words else "out"
    return next((word for word in words if word in MOVES), "") if "pans" in words else ""


def _parse_things(words: list[str]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Give the colour right before a shape to that object, every other colour to the background."""
    objects: list[tuple[str, str]] = []
    background: list[str] = []
    place = 0
    while place < len(words):
        two = " ".join(words[place : place + 2])
        colour = two if two in BACKGROUND_RGB else words[place]
        place += 2 if two in BACKGROUND_RGB else 1
        if colour in SHAPES:
            objects.append((colour, ""))
        elif colour in BACKGROUND_RGB and place < len(words) and words[place] in SHAPES:
            objects.append((words[place], colour))
            place += 1
        elif colour in BACKGROUND_RGB:
            background.append(colour)
    return tuple(objects), tuple(background)


def _kind(motion: str, camera: str, objects: tuple[tuple[str, str], ...], background: tuple[str, ...]) -> str:
    if camera:
        return "zoom" if camera in ("in", "out") else "pan"
    if len(objects) > 1:
        return "two"
    if motion in ("grow", "shrink"):
        return "resize"
    if motion.startswith("swing"):
        return "swing"
    return "gradient" if len(background) > 1 else "single"
