"""Stopping and going on: what is kept, what is refused, who may work on a film."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.film.events import Event, FilmDone, FilmResumed, StepDone, WindowDone
from skyreels_cli.film.folder.manifest import film_of, read_manifest, work_folder
from skyreels_cli.film.folder.preview import Preview
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.media.video import open_video

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]


def stop_at(events: Iterator[Event], steps: int) -> None:
    """Close a film after so many steps."""
    for event in events:
        steps -= isinstance(event, StepDone)
        if steps == 0:
            break
    events.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_stopped_and_resumed_is_bit_exact(film: Film, frames_of: Frames, tmp_path: Path, steps: int) -> None:
    list(film(tmp_path / "calm.mkv", ar_step=1, addnoise_condition=30))
    stop_at(film(ar_step=1, addnoise_condition=30), steps)
    assert not (tmp_path / "film.mkv").exists()
    rest = list(film(ar_step=1, addnoise_condition=30))
    resumed = next(event for event in rest if isinstance(event, FilmResumed))
    rows = [event.step for event in rest if isinstance(event, StepDone)]
    assert rows[0] == (steps if resumed.windows == 0 else rows[0])
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "calm.mkv"))
    assert not work_folder(tmp_path / "film.mkv").exists()


def test_finished_windows_are_not_rendered_again(film: Film, tmp_path: Path) -> None:
    events = film()
    first = next(event for event in events if isinstance(event, WindowDone))
    assert first.window == 1
    events.close()  # type: ignore[attr-defined]
    rest = list(film())
    assert FilmResumed(windows=1, frames=13) in rest
    assert {event.window for event in rest if isinstance(event, StepDone)} == {2}


def test_preview_holds_the_finished_windows(film: Film, tmp_path: Path) -> None:
    steps = film()
    for event in steps:
        if isinstance(event, StepDone) and event.window == 2:
            break
    steps.close()  # type: ignore[attr-defined]
    assert open_video(work_folder(tmp_path / "film.mkv") / "preview.mkv").frames == 13


def test_preview_rests_for_long_after_it_was_written(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    clock = iter((0.0, 1.0, 30.0, 52.0, 53.0))  # one begun at 0 that takes 1 s, refused until 51, then again
    monkeypatch.setattr("skyreels_cli.film.folder.preview.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(
        "skyreels_cli.film.folder.preview.join_pieces", lambda pieces, fps, path: written.append(len(pieces))
    )
    monkeypatch.setattr("skyreels_cli.film.folder.preview.replacing", nullcontext)
    preview = Preview(WorkFolder(Path("film.skyreels")), "h264")
    for windows in (1, 2, 3):
        preview.show([(Path("piece"), 1)] * windows, Fraction(24))
    assert written == [1, 3]


def test_another_recipe_is_refused_by_name_and_kept(film: Film, tmp_path: Path) -> None:
    stop_at(film(), 2)
    with pytest.raises(UsageError) as refused:
        list(film(seed=8, guidance_scale=2.0))
    assert refused.value.code == "film-changed"
    assert "recipe.seed 7 → 8" in refused.value.message
    assert "recipe.guidance_scale 1.0 → 2.0" in refused.value.message
    manifest = read_manifest(work_folder(tmp_path / "film.mkv"))
    assert manifest is not None
    assert manifest["recipe"]["seed"] == 7


def test_overwrite_begins_anew_for_another_recipe(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    stop_at(film(), 4)
    done = list(film(working={"overwrite": True}, seed=8))[-1]
    assert isinstance(done, FilmDone)
    assert done.seed == 8
    list(film(tmp_path / "calm.mkv", seed=8))
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "calm.mkv"))


def test_a_changed_weight_is_named(film: Film, tmp_path: Path) -> None:
    stop_at(film(), 1)
    path = work_folder(tmp_path / "film.mkv") / "film.json"
    manifest = json.loads(path.read_text())
    manifest["model"]["sha256"]["vae/diffusion_pytorch_model.safetensors"] = "0" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"model.sha256.vae/diffusion_pytorch_model.safetensors"):
        list(film())


def test_two_at_once_the_second_is_told_who(film: Film) -> None:
    import os

    first = film()
    next(first)
    with pytest.raises(UsageError, match=f"process {os.getpid()} on") as refused:
        list(film())
    assert refused.value.code == "film-busy"
    first.close()  # type: ignore[attr-defined]


def test_kept_work_and_sidecar(film: Film, tmp_path: Path) -> None:
    list(film(working={"keep_work": True}))
    names = {path.name for path in work_folder(tmp_path / "film.mkv").iterdir()}
    assert {"film.json", "w0000.json", "w0000.mkv", "w0000.safetensors", "w0001.mkv"} <= names
    sidecar = json.loads((tmp_path / "film.mkv.json").read_text())
    assert sidecar["result"]["frames"] == 21
    assert [window["frames"] for window in sidecar["plan"]["windows"]] == [13, 8]


def test_names() -> None:
    assert work_folder(Path("a/b.mp4")) == Path("a/b.mp4.skyreels")
    assert film_of(Path("a/b.mp4.skyreels")) == film_of(Path("a/b.mp4")) == Path("a/b.mp4")
