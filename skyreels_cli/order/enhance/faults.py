"""What is wrong with a text that a model wrote, and what it must keep of a person's words."""

from __future__ import annotations

import re

from skyreels_cli.order.enhance.instruction import MIN_WORDS
from skyreels_cli.order.enhance.words import FUNCTION_WORDS, UNSPACED, count_words, word_set, words

REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:'t|not)|won't|will not) (?:help|assist|create|write|"
    r"provide|generate|fulfil|comply|continue)|as an ai\b|as a (?:large )?language model|against my|i must decline|"
    r"my guidelines)",
    re.IGNORECASE,
)
COLOURS = word_set(
    """red orange yellow green blue purple pink white black grey gray brown golden silver gold crimson scarlet
    turquoise violet beige ivory teal cyan magenta"""
)
_NUMBERS = "two three four five six seven eight nine ten eleven twelve"
COUNTS = {word: str(number) for number, word in enumerate(_NUMBERS.split(" "), 2)} | {
    "dozen": "12",
    "hundred": "100",
    "thousand": "1000",
}
QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|„([^“”]+)[“”]|「([^」]+)」")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# An English text has at least so many function words and no more foreign letters.
FUNCTION_SHARE, FOREIGN_SHARE = 0.15, 0.2


def facts(prompt: str) -> list[str]:
    """What must not get lost: quoted text, numbers, counts, names and colours, each as the person wrote it."""
    quoted = [next(filter(None, found)) for found in QUOTED.findall(prompt)]
    rest = QUOTED.sub(" ", prompt)
    plain = [word for word in words(rest) if not UNSPACED.search(word)]
    counted = [word for word in plain if word.lower() in COUNTS or word.lower() in COLOURS]
    return list(dict.fromkeys([*quoted, *NUMBER.findall(rest), *_names(rest), *counted]))


def lost_facts(prompt: str, text: str) -> list[str]:
    """Facts of the prompt that a text does not have; `3` and `three`, `gray` and `grey` are the same."""
    there = " ".join(text.split()).casefold()
    said = {_same(word) for word in words(there)}
    return [
        fact
        for fact in facts(prompt)
        if " ".join(fact.split()).casefold() not in there
        and not {_same(word) for word in words(fact.casefold())} <= said
    ]


def faults(text: str, max_words: int) -> list[str]:
    """Why a paragraph cannot be used as it is, in words that a model understands; nothing if it can."""
    if not words(text):
        return ["it is empty"]
    if REFUSAL.search(text[:300]):
        return ["it is a refusal or speaks of you; only the scene may be described"]
    if not is_english(text):
        return ["it is not in English"]
    found = []
    if count_words(text) < min(MIN_WORDS, max_words) // 2:
        found.append(f"it has only {count_words(text)} words")
    if _repeats(text):
        found.append("it repeats itself")
    return found


def is_english(text: str) -> bool:
    """Judged by its letters and by the function words that every English text has; quotes may be in any language."""
    rest = QUOTED.sub(" ", text)
    letters = [character for character in rest if character.isalpha()]
    foreign = sum(not character.isascii() for character in letters)
    plain = [word.casefold() for word in words(rest)]
    if not letters or foreign > FOREIGN_SHARE * len(letters):
        return False
    share = sum(word in FUNCTION_WORDS for word in plain) / len(plain)
    return share >= FUNCTION_SHARE or len(plain) < 8


def _names(text: str) -> list[str]:
    """Capitalised words that do not begin a sentence; German, which capitalises all nouns, has none."""
    if re.search(r"\b(?:der|die|das|ein|eine|einen|und|auf|mit|durch|im|am)\b", text):
        return []
    return re.findall(r"(?<=[\w,;] )[A-ZÀ-ÞА-Я][\w'’-]+(?: [A-ZÀ-ÞА-Я][\w'’-]+)*", text)


def _same(word: str) -> str:
    """One spelling for what means the same."""
    return {"gray": "grey", "gold": "golden", **COUNTS}.get(word, word.removesuffix("'s").removesuffix("’s"))


def _repeats(text: str) -> bool:
    """Whether the same five words stand there three times."""
    plain = [word.casefold() for word in words(text)]
    runs = [tuple(plain[start : start + 5]) for start in range(len(plain) - 4)]
    return any(runs.count(run) >= 3 for run in set(runs))
