"""What a finished film says about itself, in its tag and beside it; and what it said while it was made."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.film.events import Event, FilmDone, FramesReady, StageStarted, StepDone, WindowDone, WindowStarted
from skyreels_cli.media.comment import read_comment
from skyreels_cli.recipe.schema import Recipe

GOLDEN = Path(__file__).parents[2] / "golden"
Film = Callable[..., Iterator[Event]]


@pytest.fixture
def made(film: Film, tmp_path: Path) -> tuple[list[Event], Path]:
    """A film of two windows of three steps, 13 + 8 frames."""
    return list(film()), tmp_path / "film.mkv"


def test_tag_and_sidecar(made: tuple[list[Event], Path]) -> None:
    events, output = made
    tag: dict[str, Any] = json.loads(read_comment(output) or "")
    sidecar = json.loads(output.with_name("film.mkv.json").read_text(encoding="utf-8"))
    assert {key: sidecar[key] for key in tag} == tag
    recipe = Recipe.model_validate(tag["recipe"])
    assert (recipe.prompt, recipe.seed, recipe.num_frames) == ("a red ball", 7, 21)
    weights = sorted((GOLDEN / "model").rglob("*.safetensors"))
    assert tag["model"]["sha256"] == {
        path.relative_to(GOLDEN / "model").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in weights
    }
    assert tag["libraries"]["torch"] == version("torch")
    done = events[-1]
    assert isinstance(done, FilmDone)
    told = {k: v for k, v in done.to_dict().items() if k not in ("event", "recipe")}
    finished = sidecar["result"].pop("finished_at")
    assert sidecar["result"] == {**told, "output": "film.mkv"}
    assert finished == pytest.approx(done.time, abs=60)
    assert done.recipe == tag["recipe"]


def test_events_tell_the_film_in_order(made: tuple[list[Event], Path]) -> None:
    events, output = made
    told = [event for event in events if not isinstance(event, StageStarted)]
    kinds = [type(event) for event in told]
    frames = [FramesReady] * 4
    window = [WindowStarted, *[StepDone] * 3]
    assert kinds == [*window, *frames, WindowDone, *window, *frames[:2], WindowDone, FilmDone]
    assert [event.frames for event in told if isinstance(event, FramesReady)] == [1, 5, 9, 13, 17, 21]
    assert [event.step for event in told if isinstance(event, StepDone)] == [0, 1, 2] * 2
    assert [(e.first_frame, e.new_frames) for e in told if isinstance(e, WindowStarted)] == [(0, 13), (13, 8)]
    done = told[-1]
    assert isinstance(done, FilmDone)
    assert (done.output, done.frames, done.windows, done.steps) == (str(output), 21, 2, 6)
    assert done.duration_s == 21 / 24


def test_an_event_is_a_line_of_json() -> None:
    before = time.time()
    told = FramesReady(1, 5, 21).to_dict()
    assert before <= told.pop("time") <= time.time()
    assert told == {"event": "frames_ready", "window": 1, "frames": 5, "total_frames": 21}
    assert json.loads(json.dumps(StageStarted("loading VAE").to_dict()))["event"] == "stage_started"
