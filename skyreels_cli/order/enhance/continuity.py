"""Whether the shots of a story belong together: the same subject, place and light, in the same words.

A film model sees one paragraph at a time; what a paragraph does not name looks different in every shot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from skyreels_cli.order.enhance.answer import Paragraph, shortened
from skyreels_cli.order.enhance.instruction import MAX_TOKENS
from skyreels_cli.order.enhance.words import count_words, substance, token_estimate, word_set

# What follows is a place, as often as not; of five words the first noun phrase.
PLACED = re.compile(
    r"\b(?:in|inside|into|on|at|by|beside|near|under|beneath|through|across|along|over|among|between|within|behind)"
    r"\b((?:\s+[\w'’-]+){1,5})",
    re.IGNORECASE,
)
LIGHT = word_set(
    """light lights lit dawn dusk sunset sunrise sun sunlight sunny sunlit moon moonlight moonlit night morning evening
    noon midday afternoon twilight daylight candlelight candle candles lamp lamps lamplight lantern lanterns neon
    overcast bright brightness dark darkness dim glow glows glowing shadow shadows shine shines shining firelight
    starlight stars gloom golden rays backlit"""
)
CAMERA = word_set(
    """shot shots close-up camera frame wide medium low angle low-angle aerial view scene picture pan pans pulls pushes
    follows foreground background distance center centre viewer"""
)
"""Words that every paragraph has, whatever it is about."""


@dataclass(frozen=True)
class Break:
    """Where a shot (from 0) leaves out what the others name; `sentence` of another shot would say it."""

    shot: int
    text: str
    sentence: str = ""


def breaks(prompt: str, shots: Sequence[Paragraph]) -> list[Break]:
    """What shots leave out: the story's subject, and the place and light of the shot that they go on from."""
    said = [_content(shot.text) for shot in shots]
    return [*_subject_breaks(prompt, said), *_scene_breaks(shots, said)]


def mended(prompt: str, shots: Sequence[Paragraph], max_words: int) -> tuple[Paragraph, ...]:
    """The shots, with the sentences in which another shot names the place or the light."""
    better = list(shots)
    for gap in breaks(prompt, shots):
        before = better[gap.shot].text
        if gap.sentence and gap.sentence not in before:
            room, tokens = max_words - count_words(gap.sentence), MAX_TOKENS - token_estimate(gap.sentence)
            better[gap.shot] = replace(better[gap.shot], text=f"{shortened(before, room, tokens)} {gap.sentence}")
    return tuple(better)


def _subject_breaks(prompt: str, said: Sequence[frozenset[str]]) -> Iterator[Break]:
    """Shots with none of the person's words that most shots have; light is not what a story is about."""
    asked = _content(prompt) - LIGHT
    subject = {word for word in asked if 2 * sum(word in shot for shot in said) > len(said)}
    for number, shot in enumerate(said):
        if subject and not subject & shot:
            yield Break(number, f"shot {number + 1} does not name {_listed(subject)}")


def _scene_breaks(shots: Sequence[Paragraph], said: Sequence[frozenset[str]]) -> Iterator[Break]:
    for kind, words_of in (("place", _places), ("light", _light)):
        first = 0
        for number, shot in enumerate(shots):
            first = number if shot.cut else first
            known = words_of(shots[first].text)
            if known and not known & said[number]:
                sentence = _sentence_with(shots[first].text, known, words_of)
                yield Break(number, f"shot {number + 1} does not name the {kind} again ({_listed(known)})", sentence)
            elif kind == "light" and not known and first == number:
                yield Break(number, f"shot {number + 1} says nothing of the light")


def _content(text: str) -> frozenset[str]:
    """Words of substance, without an `s` that makes a plural or a genitive."""
    return frozenset(_single(word) for word in substance(text))


def _single(word: str) -> str:
    word = word.removesuffix("'s").removesuffix("’s")
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _places(text: str) -> frozenset[str]:
    found = " ".join(PLACED.findall(text))
    return _content(found) - _content(" ".join(LIGHT | CAMERA))


def _light(text: str) -> frozenset[str]:
    return _content(text) & _content(" ".join(LIGHT))


def _sentence_with(text: str, known: frozenset[str], words_of: Callable[[str], frozenset[str]]) -> str:
    """The sentence that has most of the words."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return max(sentences, key=lambda sentence: len(words_of(sentence) & known))


def _listed(found: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(found)[:4])
