"""A film's name: taken only if it is free, whenever somebody else takes it."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.events import Event, WindowDone
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.film.publish import publish
from skyreels_cli.media.video import open_video

Film = Callable[..., Iterator[Event]]


@pytest.fixture(params=["links", "no links"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished film, on a file system that has links or has none."""
    (tmp_path / "finished").write_text("film")
    if request.param == "no links":

        def link(*_: Any) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)
    return tmp_path


def test_a_free_name_is_taken(folder: Path) -> None:
    publish(folder / "finished", folder / "film", overwrite=False)
    assert [path.name for path in folder.iterdir()] == ["film"]
    assert (folder / "film").read_text() == "film"


def test_a_file_is_never_replaced_unasked(folder: Path) -> None:
    (folder / "film").write_text("another")
    with pytest.raises(SkyreelsError) as error:
        publish(folder / "finished", folder / "film", overwrite=False)
    assert error.value.code == "output-exists"
    assert (folder / "film").read_text() == "another"
    assert (folder / "finished").read_text() == "film"
    publish(folder / "finished", folder / "film", overwrite=True)
    assert (folder / "film").read_text() == "film"


def test_a_file_that_appears_while_the_film_is_made(film: Film, tmp_path: Path) -> None:
    output = tmp_path / "film.mkv"
    (tmp_path / "film.mkv.json").write_text("its own")
    events = film()
    next(event for event in events if isinstance(event, WindowDone))
    output.write_text("another's")
    with pytest.raises(SkyreelsError, match="the film is finished and kept as") as error:
        list(events)
    assert output.read_text() == "another's"
    assert (tmp_path / "film.mkv.json").read_text() == "its own"
    assert open_video(work_folder(output) / "film.mkv").frames == 21
    subprocess.run(shlex.split(str(error.value.hint)), check=True)
    assert open_video(tmp_path / "film-2.mkv").frames == 21
    output.unlink()
    assert list(film())  # it goes on from the windows it has
    assert open_video(output).frames == 21


def test_a_film_that_was_begun_with_overwrite_goes_on_with_it(film: Film, tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_text("old")
    events = film(working={"overwrite": True})
    next(event for event in events if isinstance(event, WindowDone))
    events.close()  # type: ignore[attr-defined]
    list(film())
    assert open_video(tmp_path / "film.mkv").frames == 21


def test_killed_just_after_it_got_its_name(film: Film, tmp_path: Path) -> None:
    list(film(working={"keep_work": True}))
    list(film(working={"keep_work": True}))  # the same film once more: it is the one that has the name
    assert open_video(tmp_path / "film.mkv").frames == 21
