"""The words the demo model knows and how free text comes down to them: one table for tokenizer and `show`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

WORDS: Final = (
    *("red", "orange", "yellow", "green", "blue", "purple", "white", "black", "grey", "brown"),
    *("dark", "light"),
    *("circle", "square", "triangle", "star"),
    *("moves", "left", "right", "up", "down", "still", "grows", "shrinks", "bounces"),
    *("over", "and", "background", "gradient", "camera", "pans", "zoomin", "zoomout"),
    *("swan", "boat", "balloon", "lake", "hills", "dawn", "day", "dusk", "night"),
)
"""The whole vocabulary; every other word is replaced by one of these or dropped."""

PHRASES: Final[dict[str, str]] = {
    "in front of": "over",
    "on top of": "over",
    "from left to right": "right",
    "from right to left": "left",
    "from top to bottom": "down",
    "from bottom to top": "up",
    "left to right": "right",
    "right to left": "left",
    "from side to side": "bounces left and right",
    "side to side": "bounces left and right",
    "back and forth": "bounces left and right",
    "to and fro": "bounces left and right",
    "does not move": "still",
    "not moving": "still",
    "gets bigger": "grows",
    "getting bigger": "grows",
    "gets larger": "grows",
    "gets smaller": "shrinks",
    "getting smaller": "shrinks",
    "zooms in": "zoomin",
    "zooming in": "zoomin",
    "zoom in": "zoomin",
    "zooms out": "zoomout",
    "zooming out": "zoomout",
    "zoom out": "zoomout",
    "sky blue": "light blue",
    "baby blue": "light blue",
    "navy blue": "dark blue",
    "midnight blue": "dark blue",
    "forest green": "dark green",
    "dark background": "black background",
    "dark backdrop": "black background",
    "dark sky": "black background",
    "light background": "white background",
    "bright background": "white background",
    "fading from": "gradient",
    "fades from": "gradient",
}
"""Word groups, tried before single words."""

SYNONYMS: Final[dict[str, str]] = {
    "red": "crimson scarlet ruby maroon vermilion cherry reddish",
    "orange": "amber tangerine peach apricot coral salmon",
    "yellow": "gold golden lemon mustard yellowish",
    "green": "emerald lime olive jade mint greenish",
    "blue": "azure cobalt sapphire bluish",
    "dark blue": "navy",
    "light blue": "cyan turquoise teal aqua",
    "purple": "violet magenta lilac lavender plum mauve pink fuchsia indigo rose",
    "white": "ivory snowy beige cream",
    "black": "ebony",
    "grey": "gray silver slate",
    "brown": "tan chocolate bronze copper wooden",
    "dark": "deep",
    "light": "pale pastel",
    "circle": "circles ball balls disc disk dot sphere orb round bubble globe wheel planet coin sun moon apple",
    "square": "squares box cube block tile rectangle brick",
    "triangle": "triangles pyramid cone wedge arrow tent",
    "star": "stars starfish",
    "moves": "move moving drifts drift drifting slides slide sliding glides glide gliding goes going "
    "travels traveling travelling flies flying floats floating sails sailing swims swimming rolls rolling "
    "runs running heads heading",
    "left": "leftward leftwards",
    "right": "rightward rightwards",
    "up": "upward upwards",
    "down": "downward downwards",
    "moves up": "rises rise rising ascends ascending climbs climbing",
    "moves down": "falls fall falling sinks sinking descends descending drops dropping",
    "still": "motionless static rests resting unmoving stationary fixed",
    "grows": "grow growing expands expanding swells swelling enlarges",
    "shrinks": "shrink shrinking contracts contracting dwindles",
    "bounces": "bounce bouncing swings swinging sways swaying oscillates",
    "over": "on against across above onto",
    "background": "backdrop sky wall backgrounds",
    "gradient": "fading fades gradients",
    "pans": "pan panning",
    "swan": "swans bird duck goose heron",
    "boat": "boats ship sailboat yacht canoe vessel",
    "balloon": "balloons blimp airship",
    "lake": "pond water sea ocean river bay",
    "hills": "hill mountain mountains meadow valley countryside fields",
    "dawn": "sunrise daybreak morning",
    "day": "noon midday daylight afternoon daytime",
    "dusk": "sunset evening twilight",
    "night": "midnight moonlight nighttime moonlit",
}
"""Meaning → the single words that are taken for it."""

FILLERS: Final = frozenset(
    (
        *("a", "an", "the", "is", "are", "of", "to", "in", "at", "with", "it", "its", "as", "by", "for"),
        *("that", "this", "there", "one", "some", "both", "together", "into", "from", "away", "while"),
        *("stay", "stays", "staying"),
        *("color", "colour", "colored", "coloured", "plain", "solid"),
    )
)
"""Words without a meaning of their own here: dropped, and not worth a remark."""

SINGLE: Final[dict[str, str]] = {word: meaning for meaning, words in SYNONYMS.items() for word in words.split()}
_LONGEST_PHRASE: Final = max(len(phrase.split()) for phrase in PHRASES)


@dataclass(frozen=True)
class Reading:
    """How one word (or phrase) of a prompt was read; `meaning` is empty where it was dropped."""

    text: str
    status: Literal["kept", "replaced", "filler", "unknown"]
    meaning: str


def understood(prompt: str) -> list[Reading]:
    """Tell, word by word, what the demo model reads in `prompt`; agrees with the bundle's tokenizer."""
    words, readings, place = plain_words(prompt), [], 0
    while place < len(words):
        reading, taken = _read(words, place)
        readings.append(reading)
        place += taken
    return readings


def canonical(prompt: str) -> str:
    """Return the known words of `prompt`, replaced where needed, joined by spaces."""
    return " ".join(reading.meaning for reading in understood(prompt) if reading.meaning)


def unknown_words(prompt: str) -> list[str]:
    """The words of `prompt` that are dropped though they may have meant something."""
    return [reading.text for reading in understood(prompt) if reading.status == "unknown"]


def plain_words(prompt: str) -> list[str]:
    """Split into lower-case words of a to z, accents removed, everything else taken as space."""
    decomposed = unicodedata.normalize("NFKD", prompt)
    stripped = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"[^a-z]+", " ", stripped.lower()).split()


def _read(words: list[str], place: int) -> tuple[Reading, int]:
    """Read the longest phrase at `place`, else the single word."""
    for length in range(min(_LONGEST_PHRASE, len(words) - place), 1, -1):
        phrase = " ".join(words[place : place + length])
        if phrase in PHRASES:
            return Reading(phrase, "replaced", PHRASES[phrase]), length
    return _read_word(words[place]), 1


def _read_word(word: str) -> Reading:
    if word in WORDS:
        return Reading(word, "kept", word)
    if word in SINGLE:
        return Reading(word, "replaced", SINGLE[word])
    return Reading(word, "filler" if word in FILLERS else "unknown", "")
