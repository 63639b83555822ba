"""Re-rolls: what came before is kept, the old take lies beside it, and the recipe tells how to make the new one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.film.events import Event, FilmResumed, StepDone, WindowDone
from skyreels_cli.film.folder.manifest import read_manifest, work_folder
from skyreels_cli.film.folder.takes import reroll
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.recipe.rerolls import Reroll

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]

LONG: dict[str, Any] = {"num_frames": 29, "addnoise_condition": 20}


@pytest.fixture
def work(film: Film, tmp_path: Path) -> WorkFolder:
    """The work folder of a finished film of three windows (13, 8 and 8 frames)."""
    list(film(working={"keep_work": True}, **LONG))
    return WorkFolder(work_folder(tmp_path / "film.mkv"))


def go_on(film: Film, work: WorkFolder) -> list[Event]:
    """Render what the manifest asks for."""
    recipe = read_manifest(work.path)
    assert recipe is not None
    return list(film(**LONG, rerolls=recipe["recipe"]["rerolls"]))


def digests(folder: Path, pattern: str) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob(pattern)}


def test_windows_before_are_kept_and_those_behind_are_new(
    work: WorkFolder, film: Film, frames_of: Frames, tmp_path: Path
) -> None:
    before = frames_of(tmp_path / "film.mkv")
    old = digests(work.path, "w000[12].*")
    take = reroll(work, Reroll(window=1, seed=99))
    assert take == work.path / "takes" / "1"
    assert digests(take, "w*") == old
    events = go_on(film, work)
    assert FilmResumed(windows=1, frames=13) in events
    assert {event.window for event in events if isinstance(event, StepDone)} == {2, 3}
    after = frames_of(tmp_path / "film.mkv")
    assert np.array_equal(after[:13], before[:13])
    assert not np.array_equal(after[13:21], before[13:21])
    assert not np.array_equal(after[21:], before[21:])
    assert digests(take, "w*") == old


def test_the_recipe_makes_the_same_film_again(work: WorkFolder, film: Film, frames_of: Frames, tmp_path: Path) -> None:
    reroll(work, Reroll(window=2, seed=5, prompt="snow"))
    go_on(film, work)
    recipe = json.loads((tmp_path / "film.mkv.json").read_text())["recipe"]
    assert recipe["rerolls"] == [{"window": 2, "seed": 5, "prompt": "snow"}]
    list(film(tmp_path / "again.mkv", **LONG, rerolls=recipe["rerolls"]))
    assert np.array_equal(frames_of(tmp_path / "again.mkv"), frames_of(tmp_path / "film.mkv"))


def test_the_old_recipe_still_makes_the_old_take(work: WorkFolder) -> None:
    reroll(work, Reroll(window=1, seed=99))
    take = json.loads((work.path / "takes" / "1" / "film.json").read_text())
    assert take["recipe"]["rerolls"] == []
    manifest = read_manifest(work.path)
    assert manifest is not None
    assert manifest["recipe"]["rerolls"] == [{"window": 1, "seed": 99, "prompt": None}]


def test_takes_are_numbered(work: WorkFolder, film: Film) -> None:
    reroll(work, Reroll(window=1, seed=1))
    go_on(film, work)
    assert reroll(work, Reroll(window=2, seed=2)) == work.path / "takes" / "2"
    assert sorted(path.name for path in (work.path / "takes" / "2").glob("w*.json")) == ["w0002.json"]


def test_an_unfinished_film_loses_the_window_in_progress(film: Film, tmp_path: Path) -> None:
    events = film(**LONG)
    for event in events:
        if isinstance(event, StepDone) and (event.window, event.step) == (2, 1):
            break
    events.close()  # type: ignore[attr-defined]
    work = WorkFolder(work_folder(tmp_path / "film.mkv"))
    assert reroll(work, Reroll(window=1, seed=3)) is None
    rows = [(event.window, event.step) for event in go_on(film, work) if isinstance(event, StepDone)]
    assert rows[0] == (2, 0)


def test_killed_while_windows_are_set_aside_the_old_film_comes_back(
    work: WorkFolder, film: Film, frames_of: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = frames_of(tmp_path / "film.mkv")

    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(WorkFolder, "write_manifest", killed)
        with pytest.raises(KeyboardInterrupt):
            reroll(work, Reroll(window=1, seed=99))
    events = list(film(**LONG))
    assert {event.window for event in events if isinstance(event, WindowDone)} == {2, 3}
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), before)


def test_a_window_that_is_not_there_yet(film: Film, tmp_path: Path) -> None:
    events = film(**LONG)
    next(event for event in events if isinstance(event, WindowDone))
    events.close()  # type: ignore[attr-defined]
    work = WorkFolder(work_folder(tmp_path / "film.mkv"))
    with pytest.raises(UsageError) as refused:
        reroll(work, Reroll(window=2, seed=1))
    assert (refused.value.code, refused.value.hint) == ("reroll-window", "--from-window 2")
    with pytest.raises(UsageError) as refused:
        reroll(WorkFolder(tmp_path / "none.skyreels"), Reroll(window=0, seed=1))
    assert refused.value.code == "film-not-found"
