"""Another take of a finished film: what came before is bit-equal, both films stay, wherever the first was moved."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.film.events import Event, FilmDone, StepDone
from skyreels_cli.film.new_take import begin_take, recipe_of, take_name
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.render import render
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.retakes import RetakeStore
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.media.cut import frames_in_common
from skyreels_cli.media.video import open_video
from skyreels_cli.paths import folders
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.rerolls import Reroll

GOLDEN = Path(__file__).parents[1] / "golden"
Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]

LONG: dict[str, Any] = {"num_frames": 29, "addnoise_condition": 20}
AGAIN = {"window": 1, "seed": 99}


def take(film: Path, window: int, seed: int) -> tuple[Path, list[Event]]:
    """Another take of a film from a window (from 0) on."""
    recipe = recipe_of(film).with_reroll(Reroll(window=window, seed=seed))
    facts = open_folder(GOLDEN / "model", "golden")
    rendering = Rendering(
        recipe=recipe,
        facts=facts,
        plan=make_plan(recipe, facts),
        placement=Placement(device="cpu"),
        output=take_name(film),
    )
    begin_take(film, rendering, window)
    return rendering.output, list(render(rendering))


def days_ago(days: float) -> None:
    """Let what was kept be so old."""
    when = time.time() - 86_400 * days
    for folder in folders().retakes.iterdir():
        os.utime(folder, (when, when))


@pytest.mark.parametrize(("join", "codec"), [("pixels", "h264"), ("latents", "ffv1"), ("rolling", "ffv1")])
def test_a_day_later_after_moving_the_file(
    film: Film, frames_of: Frames, tmp_path: Path, codec: str, join: str
) -> None:
    suffix = ".mkv" if codec == "ffv1" else ".mp4"
    first = tmp_path / f"film{suffix}"
    list(film(first, **LONG, codec=codec, join=join))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".skyreels"] == []
    moved = tmp_path / "elsewhere" / f"renamed{suffix}"
    moved.parent.mkdir()
    first.rename(moved)
    days_ago(1)
    before = frames_of(moved)
    second, events = take(moved, 1, 99)
    assert second.name == f"renamed.take2{suffix}"
    plan = json.loads((tmp_path / f"film{suffix}.json").read_text())["plan"]
    windows = [window["frames"] for window in plan["windows"]]
    kept = windows[0]
    assert {event.window for event in events if isinstance(event, StepDone)} == set(range(2, len(windows) + 1))
    assert np.array_equal(frames_of(moved), before)
    after = frames_of(second)
    assert after.shape == before.shape
    assert np.array_equal(after[:kept], before[:kept])
    assert not np.array_equal(after[kept:], before[kept:])
    assert frames_in_common(moved, second) == kept
    assert open_video(second).times.even(open_video(second).fps)
    list(film(whole := tmp_path / f"whole{suffix}", **LONG, codec=codec, join=join, rerolls=[AGAIN]))
    assert np.array_equal(frames_of(whole), after)


def test_a_take_of_a_take(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    list(film(**LONG))
    second, _ = take(tmp_path / "film.mkv", 1, 99)
    third, events = take(second, 2, 5)
    assert third.name == "film.take3.mkv"
    assert np.array_equal(frames_of(third)[:21], frames_of(second)[:21])
    done = events[-1]
    assert isinstance(done, FilmDone)
    assert [(reroll["window"], reroll["seed"]) for reroll in done.recipe["rerolls"]] == [(1, 99), (2, 5)]


def test_from_the_first_window_nothing_needs_to_be_kept(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    list(film(**LONG))
    RetakeStore.here().forget(tmp_path / "film.mkv")
    second, _ = take(tmp_path / "film.mkv", 0, 99)
    assert not np.array_equal(frames_of(second)[:13], frames_of(tmp_path / "film.mkv")[:13])


def test_what_is_no_longer_kept(film: Film, tmp_path: Path) -> None:
    list(film(**LONG))
    days_ago(31)
    list(film(tmp_path / "other.mkv"))  # finishing a film deletes what is too old
    with pytest.raises(UsageError) as refused:
        take(tmp_path / "film.mkv", 1, 99)
    assert refused.value.code == "retake-gone"
    assert not (tmp_path / "film.take2.mkv.skyreels").exists()


def test_the_oldest_goes_where_all_would_take_too_much(film: Film, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    store = RetakeStore(folder, days=30, megabytes=0.0025)
    work = tmp_path / "work"
    work.mkdir()
    (work / "w0000.safetensors").write_bytes(bytes(1000))
    for number in range(3):
        store.keep(work, {"recipe": {"seed": number}, "folder": "/"})
        os.utime(max(folder.iterdir(), key=lambda path: path.stat().st_mtime), (time.time(), time.time() + number))
    seeds = {json.loads((kept / "film.json").read_text())["recipe"]["seed"] for kept in folder.iterdir()}
    assert seeds == {1, 2}


def test_nothing_is_kept_where_nobody_wants_it(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_RETAKE_DAYS", "0")
    list(film())
    assert not folders().retakes.exists()


def test_another_model_of_the_same_name_is_refused(film: Film, tmp_path: Path) -> None:
    list(film(**LONG))
    (kept,) = folders().retakes.iterdir()
    manifest = json.loads((kept / "film.json").read_text())
    (kept / "film.json").write_text(json.dumps({**manifest, "model": {"name": "golden", "sha256": {"x": "0"}}}))
    with pytest.raises(UsageError) as refused:
        take(tmp_path / "film.mkv", 1, 99)
    assert refused.value.code == "film-changed"
