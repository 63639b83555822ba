"""The same words find their unfinished film again; a finished film is taken again into one of its own."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from skyreels_cli.cli.show_view import seeds
from skyreels_cli.film import new_take
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

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


def test_another_take_of_a_finished_film_gets_a_name_of_its_own(
    generate: Run, run: Run, film: FakeFilm, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[Path, int]] = []
    monkeypatch.setattr(new_take, "begin_take", lambda first, _, window: begun.append((first, window)))
    recipe = generate(*LINE, "--seed", "5", "--dry-run", "--json").envelope["data"]["recipe"]
    coding = film_coding("h264", 7)
    comment = json.dumps({"recipe": recipe})
    with VideoEncoder(Path("x.mp4"), width=80, height=48, fps=24, coding=coding, comment=comment) as encoder:
        encoder.write(np.zeros((29, 48, 80, 3), np.uint8))
    ran = run("resume", "x.mp4", "--from-window", "2", "--seed", "9")
    second = Path("x.take2.mp4").absolute()
    assert (ran.status, ran.out) == (0, f"{second}\n"), ran.err
    assert begun == [(Path("x.mp4").absolute(), 1)]
    assert "seed 5, from window 2 on 9, rendered" in ran.err
    assert [reroll.model_dump() for reroll in film.recipes[-1].rerolls] == [{"window": 1, "seed": 9, "prompt": None}]
    second.touch()
    run("resume", "x.mp4", "--from-window", "2")
    assert film.renderings[-1].output.name == "x.take3.mp4"
    assert film.recipes[-1].rerolls[0].seed not in (None, 5, 9)
    assert run("resume", "x.mp4").err.endswith("x.mp4 is finished already\n")
