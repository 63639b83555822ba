"""The same words find their unfinished film again; a finished film is taken again into one of its own."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from skyreels_cli.cli.show_view import seeds

from .conftest import MODEL, FakeFilm, Ran

Run = Callable[..., Ran]
LINE = ("a swan", "--num-frames", "29", "--base-num-frames", "13", "--overlap-history", "5")


@pytest.fixture
def begun(generate: Run) -> Path:
    """The folder of an interrupted film whose name the program has made."""
    data = generate(*LINE, "--dry-run", "--json").envelope["data"]
    folder = Path(f"{data['output']}.skyreels")
    folder.mkdir()
    (folder / "film.json").write_text(json.dumps({"recipe": data["recipe"]}))
    return folder


def test_a_generated_name_is_found_again(generate: Run, film: FakeFilm, begun: Path) -> None:
    ran = generate(*LINE)
    assert ran.out == f"{begun.name.removesuffix('.skyreels')}\n"
    assert "which the same words began (-o FILE begins another)" in ran.err
    assert film.recipes[0].seed == json.loads((begun / "film.json").read_text())["recipe"]["seed"]


@pytest.mark.parametrize("other", [("--seed", "1"), ("--inference-steps", "7"), ("--overwrite",), ("-o", "x.mp4")])
def test_other_words_begin_another_film(generate: Run, begun: Path, other: tuple[str, ...]) -> None:
    assert generate(*LINE, *other).out != f"{begun.name.removesuffix('.skyreels')}\n"


def test_a_film_that_somebody_renders_is_left_alone(generate: Run, begun: Path) -> None:
    holder = {"pid": os.getpid(), "started": psutil.Process().create_time(), "host": socket.gethostname()}
    (begun / "holder.json").write_text(json.dumps(holder))
    assert generate(*LINE).out != f"{begun.name.removesuffix('.skyreels')}\n"


def test_the_queue_takes_the_same_words_for_another_film(run: Run, begun: Path) -> None:
    model = str(MODEL)
    ran = run("queue", "add", *LINE, "--resolution", "80x48", "--model", model, "--json")
    assert ran.envelope["data"]["output"] != str(begun.absolute()).removesuffix(".skyreels")


def test_the_summary_names_the_seeds_that_were_used(generate: Run) -> None:
    assert "seed 5, rendered" in generate(*LINE, "--seed", "5").err
    assert seeds({"seed": 5, "rerolls": [{"window": 1, "seed": 9}, {"window": 2, "prompt": "x"}]}) == (
        "5, from window 2 on 9"
    )
