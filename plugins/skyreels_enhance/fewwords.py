"""Prompts for a film model that knows few words: nothing is added but what it understands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.protocols import WritingTask
from skyreels_cli.plugins.specs import ModelSpec
from skyreels_enhance.lexicon import PREPOSITIONS
from skyreels_enhance.reading import PromptReading, read

DIRECTIONS = {"of", "with", "to", "by", "up", "down"}
"""Prepositions behind which there is no place."""
MOTIONS = (
    "moves to the right",
    "moves to the left",
    "rises",
    "grows",
    "moves down",
    "stays still",
    "shrinks",
    "bounces up and down",
)
GROUNDS = (
    "over a dark blue background",
    "over a black background",
    "over a white background",
    "over a light blue background",
    "over a dark green background",
)
SCENE_MOTIONS = ("moves to the right", "moves to the left", "stays still")
SCENE_GROUNDS = ("on a lake at dawn", "on a lake by day", "on a lake at dusk", "over the hills by day")


class FewWords:
    """Motions and backgrounds of which a model knows every word."""

    def __init__(self, unknown: Callable[[str], list[str]]) -> None:
        self._unknown = unknown

    @classmethod
    def of(cls, film_model: str | None) -> FewWords | None:
        """For a model that can tell which words it does not know; None for one that was trained on any text."""
        spec = plugins().specs(ModelSpec).get(film_model or "")
        return cls(plugins().load(spec, spec.unknown_words)) if spec and spec.unknown_words else None

    def write(self, task: WritingTask) -> str:
        """The prompt with a motion and a background if it has none; for a story, another motion in each shot."""
        reading, rng = read(task.prompt), Random(f"{task.seed}:{task.prompt}")
        scenic = reading.kind in ("animal", "vehicle") or bool(reading.place)
        motions = self._known(SCENE_MOTIONS if scenic else MOTIONS, rng)
        grounds = self._known(SCENE_GROUNDS if scenic else _unlike(GROUNDS, task.prompt), rng)
        if task.shots == 1:
            return _joined(task.prompt, "" if reading.action else motions[0], "" if _is_placed(reading) else grounds[0])
        story = ""
        for shot in range(task.shots):
            ground, before = (grounds[max(0, number) // 3 % len(grounds)] for number in (shot, shot - 1))
            cut = ground != before and not _is_placed(reading)
            begin = "" if not shot else "\n\nCUT: " if cut else "\n\nTHEN: "
            story += begin + self._shot(reading, shot, motions, ground, task.prompt)
        return story

    def _shot(self, reading: PromptReading, shot: int, motions: Sequence[str], ground: str, prompt: str) -> str:
        if not shot:
            motion = "" if reading.action else motions[0]
            return _joined(prompt, motion, "" if _is_placed(reading) else ground)
        subject = reading.subject or reading.scene
        place = _rest_from_preposition(reading.scene[len(reading.subject) :]) if _is_placed(reading) else ground
        return _joined(subject, motions[shot % len(motions)], place if reading.subject else "")

    def _known(self, candidates: Sequence[str], rng: Random) -> list[str]:
        known = [candidate for candidate in candidates if not self._unknown(candidate)]
        return rng.sample(known, len(known)) or [""]


def _unlike(grounds: Sequence[str], prompt: str) -> list[str]:
    """Backgrounds of a colour that the prompt does not have: its subject must stand out."""
    said = set(prompt.lower().split())
    colours = {ground: set(ground.split()) - {"over", "a", "background", "dark", "light"} for ground in grounds}
    return [ground for ground in grounds if not colours[ground] & said] or list(grounds)


def _is_placed(reading: PromptReading) -> bool:
    return bool(set(reading.scene.lower().split()) & (PREPOSITIONS - DIRECTIONS)) or bool(reading.place)


def _rest_from_preposition(text: str) -> str:
    """`over a black background` of ` moves over a black background`."""
    rest = text.split()
    starts = (index for index, word in enumerate(rest) if word.lower() in PREPOSITIONS - DIRECTIONS)
    return " ".join(rest[next(starts, len(rest)) :])


def _joined(*parts: str) -> str:
    return " ".join(part.strip(" .") for part in parts if part)
