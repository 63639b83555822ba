"""How the camera sees a shot, in the closed vocabulary of SkyReels' own captioner.

SkyReels-V2 was trained on captions that SkyCaptioner-V1 wrote (Chen et al. 2025, arXiv:2504.13074). It takes the type
of a shot, its angle and its position from fixed lists and describes how the camera moves along or about its three axes.
Its captions begin with type, angle and position and end with the movement, and so do the prompts written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.recipe.choices import CAMERA_WORDS, Angle, Movement, Position, ShotType

SHOT_TYPES: Mapping[ShotType, str] = {
    "extreme-close-up": "An extreme close-up shot",
    "close-up": "A close-up shot",
    "medium": "A medium shot",
    "full": "A full shot",
    "long": "A long shot",
}
ANGLES: Mapping[Angle, str] = {"eye-level": "at eye level", "low": "from a low angle", "high": "from a high angle"}
POSITIONS: Mapping[Position, str] = {
    "front": "in front view",
    "back": "in back view",
    "side": "in side view",
    "over-the-shoulder": "over the shoulder",
    "overhead": "in overhead view",
    "point-of-view": "from a character's point of view",
    "aerial": "in aerial view",
    "overlooking": "in overlooking view",
}
MOVEMENTS: Mapping[Movement, str] = {
    "static": "stays still",
    "handheld": "shakes slightly, held by hand",
    "dolly-in": "dollies in",
    "dolly-out": "dollies out",
    "truck-left": "trucks to the left",
    "truck-right": "trucks to the right",
    "pedestal-up": "rises",
    "pedestal-down": "sinks",
    "pan-left": "pans to the left",
    "pan-right": "pans to the right",
    "tilt-up": "tilts up",
    "tilt-down": "tilts down",
    "roll-left": "rolls to the left",
    "roll-right": "rolls to the right",
    "zoom-in": "zooms in",
    "zoom-out": "zooms out",
    "orbit-left": "orbits to the left",
    "orbit-right": "orbits to the right",
    "tracking": "follows the subject",
}
TOGETHER = 4
"""Movements of one shot at most; the captioner's longest composites have three."""


def _word(value: Any) -> Any:
    """A word as the lists spell it; `Dolly in` and the captioner's own `low_angle` and `front_view` are meant too."""
    if not isinstance(value, str):
        return value
    spelled = re.sub(r"[\s_]+", "-", value.strip().lower())
    return spelled if spelled in CAMERA_WORDS else re.sub(r"-(angle|view|shot)$", "", spelled)


def _words(value: Any) -> Any:
    """One movement, or several."""
    each = [value] if isinstance(value, str) else value
    return [_word(one) for one in each] if isinstance(each, list | tuple) else each


Movements = Annotated[list[Movement], Field(min_length=1, max_length=TOGETHER)]


class Camera(BaseModel):
    """Type, angle and position of a shot, and how the camera moves; several movements happen together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shot: Annotated[ShotType | None, BeforeValidator(_word)] = None
    angle: Annotated[Angle | None, BeforeValidator(_word)] = None
    position: Annotated[Position | None, BeforeValidator(_word)] = None
    movement: Annotated[Movements | None, BeforeValidator(_words)] = None

    def over(self, other: Camera | None) -> Camera:
        """What this camera says, and what it leaves unsaid from another."""
        said = other.model_dump(exclude_none=True) if other else {}
        return Camera.model_validate(said | self.model_dump(exclude_none=True))

    @property
    def opening(self) -> str:
        """The sentence with which a caption begins, or nothing."""
        where = [ANGLES[self.angle]] if self.angle else []
        where += [POSITIONS[self.position]] if self.position else []
        if not (self.shot or where):
            return ""
        return f"{SHOT_TYPES[self.shot] if self.shot else 'A shot'} {', '.join(where)}".rstrip() + "."

    @property
    def closing(self) -> str:
        """The sentence with which a caption ends, or nothing."""
        return f"The camera {' and '.join(MOVEMENTS[move] for move in self.movement)}." if self.movement else ""


def camera_of(words: Sequence[str]) -> dict[str, Any]:
    """The fields that words of `--camera` fill; the four lists have no word in common.

    Raises UsageError `bad-value`.
    """
    found: dict[str, Any] = {}
    for typed in words:
        word = _word(typed)
        field = CAMERA_WORDS.get(word)
        if field is None:
            message = f"--camera: {typed!r} is no word of the camera's vocabulary{did_you_mean(word, CAMERA_WORDS)}"
            raise UsageError("bad-value", message, f"one of: {', '.join(CAMERA_WORDS)}")
        if field == "movement":
            found.setdefault(field, []).append(word)
        elif found.setdefault(field, word) != word:
            raise UsageError("bad-value", f"--camera: {found[field]} and {word} exclude each other", "leave one out")
    return found


def in_words(prompt: str, camera: Camera | None) -> str:
    """The prompt with what the camera does, as the captioner would say it.

    A prompt that says it already stays as it is, so that the recipe of a finished film, taken as a draft, makes the
    same film.
    """
    if camera is None:
        return prompt
    if camera.opening and not prompt.startswith(camera.opening):
        prompt = prompt.lstrip()
        prompt = f"{camera.opening} {prompt[:1].upper()}{prompt[1:]}"
    if camera.closing and not prompt.endswith(camera.closing):
        prompt = prompt.rstrip()
        prompt += ("" if prompt.endswith((".", "!", "?", "。", "！", "？", "…")) else ".") + f" {camera.closing}"
    return prompt


def without_words(prompt: str, camera: Camera | None) -> str:
    """The prompt without what `in_words` added, for another camera."""
    if camera is None:
        return prompt
    return prompt.removeprefix(camera.opening).removesuffix(camera.closing).strip()
