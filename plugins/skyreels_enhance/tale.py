"""Storyboards by rules: one subject, one place or a few, one light, and what happens from shot to shot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random

from skyreels_cli.order.enhance.words import lost_words
from skyreels_cli.plugins.protocols import WritingTask
from skyreels_enhance import phrases
from skyreels_enhance.composing import Phrase, closing_sentences, fit, joined, middle, parts_of, pronoun, sentence
from skyreels_enhance.reading import PromptReading, begins_with_verb, place_phrase, read

# `… ; then …`, `… and then …`, and full stops part what happens one after the other.
BEAT = re.compile(r"(?<=[.!?。！？])\s*|\s*;\s*(?:then\s+)?|,?\s+(?:and\s+)?then\s+", re.IGNORECASE)
Place = tuple[str, str]


@dataclass(frozen=True)
class Beat:
    """What happens in a shot: `told` in the person's words, else what the `subject` of the story does."""

    told: str = ""
    deed: str = ""
    moment: str = ""


def tell(task: WritingTask) -> str:
    """A paragraph for each shot, begun by `CUT:` where the place changes and by `THEN:` where it goes on."""
    reading, rng = read(task.prompt), Random(f"{task.seed}:{task.prompt}")
    parts = parts_of(reading, rng)
    beats = _beats(reading, task.shots, rng)
    places = _places(reading, beats, rng)
    story = ""
    for shot, (beat, place) in enumerate(zip(beats, places, strict=True)):
        cut = shot > 0 and place != places[shot - 1]
        wide = cut or shot in (0, task.shots - 1)
        framing = reading.framing or ("Wide shot" if wide else phrases.STORY_FRAMINGS[shot % 5])
        camera = rng.choice(phrases.CAMERAS["travel"][1:] + phrases.CAMERAS[""][1:])
        own = _own_parts(place, beat, "" if reading.says_camera else camera)
        begin = "" if not shot else "\n\nCUT: " if cut else "\n\nTHEN: "
        story += begin + _paragraph(reading, beat, place[0], framing, parts | own, task)
    if lost := lost_words(task.prompt, story):
        story += f" {sentence(' '.join(lost))}"
    return story


def _places(reading: PromptReading, beats: Sequence[Beat], rng: Random) -> list[Place]:
    """Where each shot is: at the place that was named last, else at a place for every three or four of them."""
    told = [read(beat.told).place if beat.told else "" for beat in beats]
    if len(set(told) - {""}) > 1:
        known = accumulate(told, lambda before, now: now or before, initial=next(filter(None, told)))
        return [("", kind) for kind in list(known)[1:]]
    if reading.place or reading.kind in ("landscape", "water") or not reading.subject:
        named = place_phrase(reading.scene) if reading.predicate else reading.scene[len(reading.subject) :].strip(" ,")
        return [(named if reading.subject else "", reading.place)] * len(beats)
    pool = phrases.STORY_PLACES.get(reading.kind, phrases.STORY_PLACES[""])
    chosen = rng.sample(pool, min(len(pool), 1 + (len(beats) - 1) // 3))
    return [chosen[shot * len(chosen) // len(beats)] for shot in range(len(beats))]


def _beats(reading: PromptReading, shots: int, rng: Random) -> list[Beat]:
    """What happens in each shot: what was told, spread over the film, and between it the course of such stories."""
    told = [piece.strip(" ,.") for piece in BEAT.split(reading.scene) if piece and piece.strip(" ,.")]
    if len(told) >= shots:
        bounds = [shot * len(told) // shots for shot in range(shots + 1)]
        return [Beat(told="; ".join(told[first:last])) for first, last in pairwise(bounds)]
    beats = _arc(reading, shots, rng)
    for number, piece in enumerate(told if reading.predicate or len(told) > 1 else ()):
        beats[number * shots // len(told)] = Beat(told=piece)
    return beats


def _arc(reading: PromptReading, shots: int, rng: Random) -> list[Beat]:
    """The usual course of a story, stretched or shortened to so many shots."""
    stages = [shot * 7 // max(1, shots - 1) for shot in range(shots)]
    if not reading.subject:
        return [Beat(told=reading.scene, moment=phrases.MOMENTS[stage]) for stage in stages]
    ends = {"s": "", "es": ""} if reading.plural else {"s": "s", "es": "es"}
    arc, turned = phrases.ARCS.get(reading.kind, phrases.ARCS[""]), rng.randrange(2)
    deeds = [arc[stage][(turned + shot) % 2] for shot, stage in enumerate(stages)]
    return [Beat(deed=deed.format(its=pronoun(reading), **ends)) for deed in deeds]


def _own_parts(place: Place, beat: Beat, camera: str) -> dict[str, Phrase]:
    """What sets a shot apart from the others: its moment, its place's details, its camera."""
    setting = phrases.SETTINGS.get(place[1], phrases.SETTINGS[""])
    return {
        "development": Phrase("development", (beat.moment, "")),
        "setting": Phrase("setting", (setting[1], setting[0], "")),
        "camera": Phrase("camera", (camera, phrases.CAMERAS[""][0], "") if camera else ("",)),
    }


def _paragraph(
    reading: PromptReading, beat: Beat, place: str, framing: str, parts: Mapping[str, Phrase], task: WritingTask
) -> str:
    def assemble(said: dict[str, str]) -> str:
        head = _head(reading, beat, place, framing, said["attributes"])
        return joined(head, *middle(said), *closing_sentences(reading), said["camera"])

    return fit(parts, assemble, Random(task.seed), task.max_words)


def _head(reading: PromptReading, beat: Beat, place: str, framing: str, attributes: str) -> str:
    """`Wide shot from a fairy tale of a fox: in a quiet forest, a fox, its eyes bright, wakes and lifts its head.`"""
    start = framing[:1].upper() + framing[1:]
    if reading.opening:
        start += f" from {reading.opening} {reading.subject or reading.scene}"
    if not reading.subject:
        return f"{start}: {sentence(beat.told, capital=False)}"
    where = f"{place}, " if place and place not in beat.told else ""
    described = f"{where}{reading.subject}, {attributes}" if attributes else f"{where}{reading.subject}"
    told = read(beat.told)
    if beat.deed or begins_with_verb(beat.told):
        deed = f", {beat.deed or beat.told}" if attributes else f" {beat.deed or beat.told}"
    elif told.subject == reading.subject and told.predicate:
        deed = f", {told.predicate}" if attributes else f" {told.predicate}"
    else:
        deed = f": {beat.told}"
    return sentence(f"{start}: {described}{deed}", capital=False)
