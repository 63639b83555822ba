"""Films without end: told to end they are whole, stopped they go on, and nothing grows with their length."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag

import numpy as np

from skyreels_cli.film.events import Event, FilmDone, FilmResumed, FramesReady, StepDone, WindowDone, WindowStarted
from skyreels_cli.film.folder.manifest import read_manifest, work_folder
from skyreels_cli.media.comment import read_comment

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]


def end_in(events: Iterator[Event], window: int, ending: Flag) -> list[Event]:
    """All events of a film that is told to end while a window is being made."""
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, StepDone) and event.window == window:
            ending.set()
    return seen


def test_told_to_end_it_is_the_finite_film(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    ending = Flag()
    events = end_in(film(ending=ending, num_frames=None, duration="inf"), 3, ending)
    done = events[-1]
    assert isinstance(done, FilmDone)
    assert (done.frames, done.windows, done.steps) == (13 + 8 + 8, 3, 9)
    assert done.recipe["num_frames"] == 29
    begun = [event for event in events if isinstance(event, WindowStarted)]
    assert [(event.window, event.windows, event.first_frame) for event in begun] == [
        (1, None, 0),
        (2, None, 13),
        (3, None, 21),
    ]
    assert {event.total_frames for event in events if isinstance(event, FramesReady)} == {None}
    list(film(tmp_path / "finite.mkv", num_frames=29))
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "finite.mkv"))
    assert not work_folder(tmp_path / "film.mkv").exists()


def test_it_tells_what_it_has_become(film: Film, tmp_path: Path) -> None:
    ending = Flag()
    end_in(film(ending=ending, num_frames=None, duration="inf"), 2, ending)
    sidecar = json.loads((tmp_path / "film.mkv.json").read_text())
    assert sidecar["plan"]["frames"] == sidecar["recipe"]["num_frames"] == 21
    assert [window["frames"] for window in sidecar["plan"]["windows"]] == [13, 8]
    assert json.loads(read_comment(tmp_path / "film.mkv") or "")["recipe"] == sidecar["recipe"]


def test_stopped_it_goes_on(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    events = film(num_frames=None, duration="inf")
    for event in events:
        if isinstance(event, StepDone) and (event.window, event.step) == (4, 1):
            break
    events.close()  # type: ignore[attr-defined]
    manifest = read_manifest(work_folder(tmp_path / "film.mkv"))
    assert manifest is not None
    assert manifest["recipe"]["num_frames"] is None
    ending = Flag()
    rest = end_in(film(ending=ending, num_frames=None, duration="inf"), 5, ending)
    assert FilmResumed(windows=3, frames=29) in rest
    assert [event.step for event in rest if isinstance(event, StepDone)][:2] == [2, 0]
    list(film(tmp_path / "finite.mkv", num_frames=45))
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "finite.mkv"))


def test_an_endless_last_shot(film: Film, tmp_path: Path) -> None:
    ending = Flag()
    shots = [{"prompt": "a", "num_frames": 9}, {"prompt": "b", "duration": "inf"}]
    done = end_in(film(ending=ending, num_frames=None, shots=shots), 3, ending)[-1]
    assert isinstance(done, FilmDone)
    assert [shot["num_frames"] for shot in done.recipe["shots"]] == [9, 16]
    assert (done.frames, done.recipe["num_frames"]) == (25, 25)


def test_ending_a_finite_film_changes_nothing(film: Film) -> None:
    ending = Flag()
    ending.set()
    done = list(film(ending=ending))[-1]
    assert isinstance(done, FilmDone)
    assert done.frames == 21


def test_every_window_leaves_the_same_on_disk(film: Film, tmp_path: Path) -> None:
    """What is kept for the next window does not grow; the history in memory is what is written there."""
    folder = work_folder(tmp_path / "film.mkv")
    events = film(num_frames=None, duration="inf")
    for event in events:
        if isinstance(event, WindowDone) and event.window == 6:
            break
    sizes = {path.stat().st_size for path in folder.glob("w*.safetensors")}
    events.close()  # type: ignore[attr-defined]
    assert len(sizes) == 1
