"""How a prompt is put together: its parts in several lengths, as many words of each as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from skyreels_cli.order.enhance.words import count_words, token_estimate
from skyreels_enhance import phrases
from skyreels_enhance.reading import PromptReading

MIN_WORDS = 60
MAX_TOKENS = 512
GOES_FIRST = ("weather", "development", "setting", "attributes", "light", "camera", "framing")
"""Which part is shortened, and then left out, before which, if there are few words."""


@dataclass(frozen=True)
class Phrase:
    """A part of the text in its wordings, the longest first and an empty one last."""

    name: str
    wordings: tuple[str, ...]


def parts_of(reading: PromptReading, rng: Random) -> dict[str, Phrase]:
    """The parts that are added, in several lengths, by their names."""
    action = reading.action if reading.action in phrases.DEVELOPMENTS else ""
    moves = "travel" if action == "travel" else "still" if action in ("still", "social", "hands") else ""
    camera = (phrases.CAMERA_SAID,) if reading.says_camera else (phrases.CAMERAS[moves], phrases.CAMERAS[""])
    weather = phrases.WEATHERS.get(reading.weather)
    return {
        "framing": _part("framing", rng, reading, () if reading.says_framing else phrases.FRAMINGS[reading.kind]),
        "attributes": _part("attributes", rng, reading, phrases.ATTRIBUTES[reading.kind]),
        "development": _part("development", rng, reading, phrases.DEVELOPMENTS[action]),
        "setting": _part("setting", rng, reading, phrases.SETTINGS[reading.place]),
        "weather": _part("weather", rng, reading, weather or ()),
        "light": _part("light", rng, reading, phrases.LIGHTS[_light(reading)]),
        "camera": _part("camera", rng, reading, rng.choice(camera)),
    }


def pronoun(reading: PromptReading) -> str:
    """`its` or `their`: nobody's sex is guessed."""
    return "their" if reading.plural or reading.kind == "person" else "its"


def head_sentence(reading: PromptReading, framing: str, attributes: str) -> str:
    """`Medium shot: a red fox, its eyes bright, runs through the snow.`"""
    if reading.opening:
        scene = f"{reading.opening} {reading.scene}"
        return f"{framing} from {scene}, {attributes}." if attributes else f"{framing} from {scene}."
    if attributes and reading.subject and reading.predicate:
        scene = f"{reading.subject}, {attributes}, {reading.predicate}"
    elif attributes and reading.subject == reading.scene:
        scene = f"{reading.scene}, {attributes}"
    else:
        scene = sentence(reading.scene, capital=not framing)
        scene += f" {attributes[:1].upper()}{attributes[1:]}." if attributes else ""
    start = f"{framing[:1].upper()}{framing[1:]}: " if framing else ""
    return start + sentence(scene, capital=not framing)


def closing_sentences(reading: PromptReading) -> list[str]:
    """What the person said about camera and style, as sentences of its own."""
    return [sentence(piece) for piece in (*reading.camera, *reading.style)]


def _part(name: str, rng: Random, reading: PromptReading, wordings: Sequence[str]) -> Phrase:
    """A long wording by chance, then the short one, then none."""
    if not wordings:
        return Phrase(name, ("",))
    drawn = rng.choice(wordings if name == "framing" else wordings[1:])
    its = pronoun(reading)
    return Phrase(name, tuple(dict.fromkeys((drawn.format(its=its), wordings[0].format(its=its), ""))))


def _light(reading: PromptReading) -> str:
    """Whose light it is: the time of day's, else the place's; where there is no colour, one that needs none."""
    if reading.time and not (reading.monochrome and reading.time == "sunset"):
        return reading.time
    return reading.place if reading.place in phrases.LIGHTS else ""


def fit(parts: Mapping[str, Phrase], assemble: Callable[[dict[str, str]], str], rng: Random, max_words: int) -> str:
    """The assembled text, shortened until it fits, or lengthened until it is no longer a short one."""
    length = dict.fromkeys(parts, 0)

    def text_now() -> str:
        return assemble({name: part.wordings[length[name]] for name, part in parts.items()})

    text = text_now()
    for name in GOES_FIRST * 2:
        if count_words(text) <= max_words and token_estimate(text) <= MAX_TOKENS:
            break
        length[name] = min(length[name] + 1, len(parts[name].wordings) - 1)
        text = text_now()
    for extra in rng.sample(phrases.EXTRAS, len(phrases.EXTRAS)):
        if count_words(text) >= min(MIN_WORDS, max_words) or count_words(f"{text} {extra}") > max_words:
            break
        text = f"{text} {extra}"
    return text


def middle(said: Mapping[str, str]) -> list[str]:
    """The sentences between the head and the camera, in their order."""
    return [said[name] for name in ("development", "setting", "weather", "light")]


def joined(*sentences: str) -> str:
    """Sentences as a paragraph."""
    return " ".join(text for text in sentences if text)


def sentence(text: str, *, capital: bool = True) -> str:
    """A text with a full stop and, if wanted, a capital letter."""
    text = text.strip()
    start = text[:1].upper() if capital else text[:1]
    return start + text[1:] + ("" if text.endswith((".", "!", "?", "。", "！", "？", "…")) else ".")
