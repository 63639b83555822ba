"""`enhance-prompt` as people and scripts use it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from skyreels_cli.cli.prompt_diff import marked
from skyreels_cli.order.enhance.words import lost_words

from .conftest import MODEL, FakeFilm, Ran

Run = Callable[..., Ran]
PROMPT = "two red foxes run through the snow"


def typed(text: str) -> io.TextIOWrapper:
    """What stands in for stdin."""
    return io.TextIOWrapper(io.BytesIO(text.encode()))


def test_the_text_is_all_there_is_on_stdout(run: Run) -> None:
    ran = run("enhance-prompt", PROMPT)
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 1
    assert lost_words(PROMPT, ran.out) == []
    assert "rules writes, as no language model is set up" in ran.err


def test_data(run: Run) -> None:
    data = run("enhance-prompt", PROMPT, "--provider", "rules", "--n", "3", "--seed", "5", "--json").envelope["data"]
    assert (data["original"], data["enhanced"], data["provider"], data["model"]) == (PROMPT, True, "rules", None)
    assert [variant["seed"] for variant in data["variants"]] == [5, 6, 7]
    assert len({variant["prompt"] for variant in data["variants"]}) == 3
    assert data["prompt"] == data["variants"][0]["prompt"]
    assert 60 <= data["words"] <= 150


def test_a_pipe(run: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch) -> None:
    """`echo … | skyreels enhance-prompt - | skyreels generate -`."""
    monkeypatch.setattr(sys, "stdin", typed(f"{PROMPT}\n"))
    first = run("enhance-prompt", "-", "-q")
    assert first.err == ""
    monkeypatch.setattr(sys, "stdin", typed(first.out))
    assert run("generate", "-", "--model", str(MODEL), "--resolution", "80x48").status == 0
    assert film.recipes[0].prompt == first.out.strip()


def test_a_long_prompt_comes_back_with_a_note(run: Run) -> None:
    long = "word " * 80
    ran = run("enhance-prompt", long)
    assert ran.out.strip() == long.strip()
    assert "80 words already" in ran.err


def test_what_was_added_is_marked(run: Run) -> None:
    assert marked("a red fox", "Wide shot: a red fox runs.") == "{+Wide shot:+} a red fox {+runs.+}"
    assert marked("a fox, at night", "a fox at dawn") == "a fox at [-night-] {+dawn+}"
    ran = run("enhance-prompt", PROMPT, "--diff", "--json")
    assert ran.envelope["data"]["diff"][0].startswith("{+")


def test_a_storyboard_is_a_shots_file(run: Run, film: FakeFilm) -> None:
    line = ("--shots", "6", "--duration", "30s", "-o", "story.yaml")
    ran = run("enhance-prompt", "a fairy tale of a fox", *line, "--json")
    data = ran.envelope["data"]
    assert (data["num_frames"], data["duration_s"], data["output"]) == (720, 30, "story.yaml")
    story = YAML(typ="safe", pure=True).load(Path("story.yaml").read_text())
    assert [shot["num_frames"] for shot in story["shots"]] == [177, 160, 80, 97, 80, 126]
    assert [shot.get("cut", False) for shot in story["shots"]] == [False, False, False, True, False, False]
    assert story["enhanced"] == {"prompt": "a fairy tale of a fox", "provider": "rules"}
    made = run(
        "generate", "--shots", "story.yaml", "--model", str(MODEL), "--resolution", "80x48", "--dry-run", "--json"
    )
    assert made.envelope["data"]["frames"] == 720
    assert made.envelope["data"]["recipe"]["enhanced"]["prompt"] == "a fairy tale of a fox"
    refused = run("enhance-prompt", "a fox", *line, "--json")
    assert (refused.status, refused.envelope["error"]["code"]) == (2, "output-exists")
    assert run("enhance-prompt", "a fox", *line, "--overwrite").status == 0


def test_a_storyboard_for_a_model_fills_its_windows(run: Run) -> None:
    ran = run("enhance-prompt", "a red circle", "--shots", "3", "--for", "tiny", "--json")
    data = ran.envelope["data"]
    assert (data["model"], [shot["num_frames"] for shot in data["shots"]]) == ("tiny", [33, 16, 16])


def test_generate_does_both(run: Run, film: FakeFilm) -> None:
    size = ("--model", str(MODEL), "--resolution", "80x48")
    assert run("generate", "--story", "a fairy tale of a fox", "--shots", "4", *size, "--duration", "10s").status == 0
    assert run("generate", PROMPT, "--prompt-enhancer", *size).status == 0
    assert run("generate", PROMPT, "--prompt-enhancer", "rules", "--gpus", "2", *size).status == 0
    story, default, on_two = film.recipes
    assert (len(story.shots), story.num_frames) == (4, 240)
    assert default.enhanced == on_two.enhanced != None  # noqa: E711 - mypy narrows what follows
    assert default.enhanced is not None
    assert (default.enhanced.prompt, default.enhanced.provider) == (PROMPT, "rules")


def test_with_an_image(run: Run, film: FakeFilm) -> None:
    picture = str(MODEL.parent / "first.png")
    ran = run(
        "generate",
        PROMPT,
        "--prompt-enhancer",
        "rules",
        "--image",
        picture,
        "--model",
        str(MODEL),
        "--resolution",
        "80x48",
    )
    assert ran.status == 0
    assert "rules does not look at pictures: first.png was ignored" in ran.err
    ran = run("enhance-prompt", PROMPT, "--video", str(MODEL.parent / "prefix.mkv"))
    assert "rules does not look at pictures" in ran.err


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (["a fox", "--provider", "rulez"], 5, "plugin-not-found"),
        ([], 2, "no-prompt"),
        (["  "], 2, "no-prompt"),
        (["a fox", "--max-words", "3"], 2, "max-words"),
        (["a fox", "--image", "gone.png"], 2, "image-not-found"),
        (["a fox", "--image", "a.png", "--video", "b.mp4"], 2, "usage"),
        (["a fox", "--provider", "openai"], 2, "enhancer-address"),
        (["a fox", "--model", "./gone"], 2, "enhancer-model"),
        (["a fox", "-O", "openai.timeout=x", "--provider", "openai"], 2, "bad-option"),
        (["a fox", "--duration", "5s"], 2, "usage"),
        (["a fox", "--shots", "3", "--n", "2"], 2, "usage"),
        (["a fox", "--shots", "3", "--duration", "inf"], 2, "story-endless"),
        (["a fox", "--shots", "3", "--duration", "0.1s"], 2, "story-short"),
        (["a fox", "--shots", "3", "--for", "gone"], 2, "model-not-found"),
        (["a fox", "-o", "no/such/folder/x.txt"], 2, "output-unwritable"),
    ],
)
def test_one_clear_error(run: Run, monkeypatch: pytest.MonkeyPatch, line: list[str], status: int, code: str) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    ran = run("enhance-prompt", *line, "--json")
    assert (ran.status, ran.envelope["error"]["code"]) == (status, code), ran.err
    assert ran.envelope["error"]["hint"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["x", "--shots", "4"], "usage"),
        (["x", "--story", "y"], "usage"),
        (["--story", "y", "--shots", "0"], "bad-value"),
        (["x", "--prompt-enhancer", "rulez"], "plugin-not-found"),
    ],
)
def test_generate_refuses_what_makes_no_sense(run: Run, line: list[str], code: str) -> None:
    assert run("generate", *line, "--model", str(MODEL), "--json").envelope["error"]["code"] == code


def test_the_queue_enhances_now_or_later(run: Run) -> None:
    size = ("--model", str(MODEL), "--resolution", "80x48", "--num-frames", "17", "--json")
    now = run("queue", "add", PROMPT, "--prompt-enhancer", "rules", *size).envelope["data"]
    assert now["recipe"]["enhanced"]["prompt"] == now["draft"]["enhanced"]["prompt"] == PROMPT
    assert now["recipe"]["prompt"] != PROMPT
    later = run("queue", "add", PROMPT, "--prompt-enhancer", "rules", "--enhance-later", *size).envelope["data"]
    assert (later["recipe"]["prompt"], later["recipe"]["enhanced"]["pending"]) == (PROMPT, True)


def test_texts_left_for_later_follow_the_words_of_an_edited_job(run: Run) -> None:
    size = ("--model", str(MODEL), "--resolution", "80x48", "--num-frames", "17")
    later = ("--enhance-later", "--json")
    run("queue", "add", PROMPT, "--prompt-enhancer", "rules", *size, *later)
    run("queue", "add", "--story", PROMPT, "--shots", "2", *size, *later)

    def edited(number: int, *words: str) -> dict[str, Any]:
        ran = run("queue", "edit", str(number), *words, "--json")
        assert ran.status == 0, ran.err
        recipe: dict[str, Any] = ran.envelope["data"]["recipe"]
        return recipe

    other = edited(1, "two red foxes")
    assert (other["prompt"], other["enhanced"]["prompt"]) == ("two red foxes", "two red foxes")
    assert (other["enhanced"]["provider"], other["enhanced"]["pending"]) == ("rules", True)
    assert edited(1, "--guidance-scale", "3")["enhanced"] == other["enhanced"]
    tale = edited(2, "--story", "a tale of a hare")
    assert {shot["prompt"] for shot in tale["shots"]} == {"a tale of a hare"}
    assert (tale["enhanced"]["prompt"], tale["enhanced"]["pending"]) == ("a tale of a hare", True)
    assert edited(2, "--guidance-scale", "3")["enhanced"] == tale["enhanced"]


def test_pieces_are_events(run: Run) -> None:
    ran = run("enhance-prompt", PROMPT, "--events", "--provider", "rules")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event.get("event") for event in events] == ["text_written", None]
    assert events[0]["text"] == events[1]["data"]["prompt"]
