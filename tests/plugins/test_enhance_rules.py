"""The enhancer without a model, over hundreds of prompts: nothing is lost, nothing is missing, nothing is too long."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from skyreels_enhance.reading import place_phrase, read
from skyreels_enhance.rules import Rules, complete
from skyreels_tiny.vocabulary import unknown_words

from skyreels_cli.order.enhance.answer import paragraphs
from skyreels_cli.order.enhance.faults import lost_facts
from skyreels_cli.order.enhance.words import count_words, lost_words, token_estimate
from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import WritingTask

from .prompts import COLLECTED, generated

PROMPTS = [*COLLECTED, *generated(500)]
# Written here anew, not taken from the vocabulary.
FRAMING = r"shot|close-up|view|angle|Nahaufnahme|gros plan|primer plano|primo piano|крупный план|特写|航拍"
LIGHT = r"light|glow|sun|shadow|bright"
MOOD = r"mood"
CAMERA = r"camera|zoom|镜头|カメラ|caméra|câmera"


def written(prompt: str, *, shots: int = 1, seed: int = 0, max_words: int = 150, film_model: str | None = None) -> str:
    task = WritingTask(prompt, (), shots=shots, seed=seed, max_words=max_words, film_model=film_model)
    return Rules(Options(), None).write(task, str).text


def test_there_are_a_hundred_collected_prompts() -> None:
    assert len(set(COLLECTED)) == 100


@pytest.mark.parametrize("max_words", [60, 90, 150])
def test_every_word_of_substance_is_kept_and_the_length_is_right(max_words: int) -> None:
    for prompt in PROMPTS:
        text = complete(prompt, 0, max_words)
        assert lost_words(prompt, text) == [], prompt
        assert lost_facts(prompt, text) == [], prompt
        assert 60 <= count_words(text) <= max_words or max_words == 60 >= count_words(text) >= 40, (prompt, text)
        assert token_estimate(text) <= 512


def test_every_part_is_there() -> None:
    for prompt in PROMPTS:
        text = complete(prompt, 3, 150)
        for part in (FRAMING, LIGHT, MOOD, CAMERA):
            assert re.search(part, text, re.IGNORECASE), (part, prompt, text)
        assert len(re.findall(r"[.!?](?:\s|$)", text)) >= 5, text


def test_the_same_seed_gives_the_same_text_and_others_give_others() -> None:
    for prompt in PROMPTS[::10]:
        assert complete(prompt, 1, 150) == complete(prompt, 1, 150)
        assert len({complete(prompt, seed, 150) for seed in range(8)}) >= 4, prompt


def test_what_was_said_is_not_said_otherwise() -> None:
    """The camera that was asked for moves alone, and only what is wet is wet."""
    for prompt in PROMPTS:
        text = complete(prompt, 0, 150)
        if re.search(r"camera pans left", prompt):
            assert not re.search(r"camera (?:follows|glides|moves in|tracks|is static|stays almost)", text), text
        if not re.search(r"rain|pluie|chuva", prompt) and prompt.isascii():
            assert "wet surfaces" not in text, text


@pytest.mark.parametrize(
    ("prompt", "subject", "predicate", "kind", "action", "place", "time"),
    [
        ("a red fox runs through the snow at night", "a red fox", "runs", "animal", "travel", "snow", "night"),
        ("two children play football on the beach", "two children", "play", "person", "perform", "sea", ""),
        ("A white swan swimming in a lake at dawn", "A white swan", "swimming", "animal", "travel", "water", "dawn"),
        ("a red ball on a table", "a red ball", "", "shape", "", "interior", ""),
        ("ocean waves crash against rocks", "ocean waves", "crash", "water", "nature", "sea", ""),
        ("Ein Fuchs rennt durch den Wald bei Nacht", "", "", "animal", "travel", "forest", "night"),
        ("une femme danse dans la rue", "", "", "person", "perform", "street", ""),
        ("рыжая лиса бежит по лесу на рассвете", "", "", "animal", "travel", "forest", "dawn"),
        ("一只狐狸在雪地里奔跑", "", "", "animal", "travel", "snow", ""),
    ],
)
def test_a_prompt_is_taken_apart(
    prompt: str, subject: str, predicate: str, kind: str, action: str, place: str, time: str
) -> None:
    reading = read(prompt)
    assert (reading.subject, reading.predicate.split(" ")[0]) == (subject, predicate)
    assert (reading.kind, reading.action, reading.place, reading.time) == (kind, action, place, time)


def test_camera_style_framing_and_opening_are_found() -> None:
    reading = read("close-up of a fox, anime style, the camera zooms in")
    assert (reading.framing, reading.scene) == ("close-up", "a fox")
    assert (reading.style, reading.camera) == (("anime style",), ("the camera zooms in",))
    assert read("a fairy tale of a fox").opening == "a fairy tale of"
    assert place_phrase("a fox runs through the deep snow at night") == "through the deep snow"


@pytest.mark.parametrize("seed", range(10))
def test_a_story_keeps_subject_place_and_light(seed: int) -> None:
    shots = paragraphs(written("a fairy tale of a little fox", shots=6, seed=seed), 6)
    assert len(shots) == 6
    assert all("a little fox" in shot.text for shot in shots)
    moods = {re.findall(r"[^.;]*mood[^.;]*", shot.text)[0] for shot in shots}
    assert len(moods) == 1, moods
    places = [re.search(r": (\w+ [\w ]+), a little fox", shot.text) for shot in shots]
    named = [place[1] for place in places if place]
    assert len(named) == 6
    cuts = [index for index, shot in enumerate(shots) if shot.cut]
    assert cuts == [index for index in range(1, 6) if named[index] != named[index - 1]] != []


def test_a_story_tells_what_was_told_in_its_order() -> None:
    shots = paragraphs(written("a fox wakes, then crosses a river; then it sleeps in its den", shots=3), 3)
    assert [re.search(r"wakes|crosses a river|sleeps in its den", shot.text)[0] for shot in shots] == [  # type: ignore[index]
        "wakes",
        "crosses a river",
        "sleeps in its den",
    ]


def test_stories_lose_nothing_either() -> None:
    for prompt in PROMPTS[:150]:
        text = written(prompt, shots=4)
        assert lost_words(prompt, text) == [], (prompt, text)
        assert len(paragraphs(text, 4)) == 4, (prompt, text)


def test_a_model_that_knows_few_words_gets_none_that_it_does_not_know() -> None:
    for prompt in ("a red circle", "a swan at dawn", "a fox"):
        for shots in (1, 5):
            text = written(prompt, shots=shots, film_model="tiny", seed=shots)
            added = set(unknown_words(text.replace("THEN:", "").replace("CUT:", "")))
            assert added <= set(unknown_words(prompt))
            assert count_words(text) > count_words(prompt)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys\nfrom skyreels_enhance.rules import complete\ncomplete('a fox', 0, 150)\n"
        "assert not {'torch', 'transformers', 'openai', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
