"""What was said of a whole film although its shots say all of it themselves, so that nobody would hear it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.shots import ShotDraft

BY_EVERY_SHOT = ("prompt", "negative_prompt", "guidance_scale", "seed", "camera")
BY_THE_OUTER_SHOTS = {"image": 0, "end_image": -1}


def check_heard(said: Draft, shots: Sequence[ShotDraft] | None, hint: str) -> None:
    """Refuse what was `said` and would change nothing of a film with these shots; UsageError `shots-say`."""
    for name in _unheard(said, shots) if shots else ():
        word = name.replace("_", " ")
        message = f"the film's shots say their {word} themselves: another {word} for the film would change nothing"
        raise UsageError("shots-say", message, hint)


def _unheard(said: Draft, shots: Sequence[ShotDraft]) -> Iterator[str]:
    for name in BY_EVERY_SHOT:
        if getattr(said, name) is not None and all(_is_deaf(shot, name, said) for shot in shots):
            yield name
    for name, index in BY_THE_OUTER_SHOTS.items():
        if getattr(said, name) is not None and getattr(shots[index], name):
            yield name


def _is_deaf(shot: ShotDraft, name: str, said: Draft) -> bool:
    """Whether a shot takes nothing of what was said."""
    if name == "camera":
        return shot.camera is not None and shot.camera.over(said.camera) == shot.camera
    if name == "seed" and said.prompt_enhancer:
        return False  # who writes draws from it
    own = getattr(shot, name)
    return bool(own) if name == "prompt" else own is not None
