"""The films in folders: found, filtered, and read only once."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.film.index import search
from skyreels_cli.film.index.cache import FilmCache
from skyreels_cli.film.index.found import FoundFilm
from skyreels_cli.film.index.removal import FilmRemoval
from skyreels_cli.film.index.search import FilmFilter, FilmPlaces, find_films, find_one
from skyreels_cli.film.index.tags import change_tags
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

RECIPE = {"prompt": "a swan", "model": "tiny", "seed": 7, "resolution": "80x48", "num_frames": 97, "fps": 24}


def film(path: Path, result: dict[str, Any] | None = None, **recipe: Any) -> Path:
    """A file of a video's name with what a finished film has beside it."""
    path.write_bytes(b"video")
    made = {"recipe": {**RECIPE, **recipe}, "result": {"finished_at": 1e9, "windows": 2, **(result or {})}}
    path.with_name(f"{path.name}.json").write_text(json.dumps(made))
    return path


def begun(path: Path, windows: int | None, done: int, **recipe: Any) -> Path:
    """A work folder with so many finished windows."""
    folder = path.with_name(f"{path.name}.skyreels")
    folder.mkdir()
    (folder / "film.json").write_text(json.dumps({"recipe": {**RECIPE, **recipe}, "windows": windows}))
    for index in range(done):
        (folder / f"w{index:04}.json").write_text("{}")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> FilmCache:
    return FilmCache(tmp_path / "cache" / "films.db")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


def names(found: list[FoundFilm]) -> list[str]:
    return [Path(each.path).name for each in found]


def test_what_is_known_of_a_finished_and_of_an_unfinished_film(place: Path, cache: FilmCache) -> None:
    film(place / "a.mp4", {"elapsed_s": 3.5, "frames": 97, "width": 80, "height": 48})
    begun(place / "b.mp4", 3, 1)
    unfinished, finished = find_films(FilmPlaces((place,)), cache)
    assert (finished.state, finished.made, finished.elapsed_s, finished.bytes) == ("finished", 1e9, 3.5, 5)
    assert (finished.prompt, finished.seed, finished.width, finished.height) == ("a swan", 7, 80, 48)
    assert (finished.duration_s, finished.resume) == (97 / 24, None)
    assert (unfinished.state, unfinished.windows_done, unfinished.windows) == ("unfinished", 1, 3)
    assert unfinished.resume == f"skyreels resume {place / 'b.mp4'}"


def test_a_film_without_a_file_beside_it_is_known_by_its_tag(place: Path, cache: FilmCache) -> None:
    comment = json.dumps({"recipe": RECIPE})
    for name, said in (("a.mp4", comment), ("foreign.mp4", None)):
        with VideoEncoder(place / name, width=80, height=48, fps=24, coding=film_coding("h264", 7), comment=said) as it:
            it.write(np.zeros((2, 48, 80, 3), np.uint8))
    assert names(find_films(FilmPlaces((place,)), cache)) == ["a.mp4"]


def test_files_are_read_once_until_they_change(place: Path, cache: FilmCache, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    finished = search.finished

    def noted(path: Path, *facts: Any) -> FoundFilm | None:
        read.append(path.name)
        return finished(path, *facts)

    monkeypatch.setattr(search, "finished", noted)
    places = FilmPlaces((place,))
    film(place / "a.mp4")
    film(place / "b.mp4")
    first = find_films(places, cache)
    assert find_films(places, cache) == first
    assert sorted(read) == ["a.mp4", "b.mp4"]
    change_tags(place / "b.mp4", add=["best"])
    assert names(find_films(places, cache, FilmFilter(tags=("best",)))) == ["b.mp4"]
    assert sorted(read) == ["a.mp4", "b.mp4", "b.mp4"]
    (place / "a.mp4").unlink()
    assert names(find_films(places, cache)) == ["b.mp4"]
    assert list(cache.known()) == [str(place / "b.mp4")]


def test_a_cache_that_is_damaged_or_of_another_version_is_made_anew(place: Path, tmp_path: Path) -> None:
    film(place / "a.mp4")
    file = tmp_path / "films.db"
    file.write_text("no database")
    assert names(find_films(FilmPlaces((place,)), FilmCache(file))) == ["a.mp4"]
    assert list(FilmCache(file).known()) == [str(place / "a.mp4")]
    with FilmCache(file)._connection as connection:  # type: ignore[union-attr]
        connection.execute("PRAGMA user_version = 99")
    assert FilmCache(file).known() == {}


def test_files_that_the_queue_names_are_looked_at_where_they_lie(place: Path, tmp_path: Path, cache: FilmCache) -> None:
    inside, outside = film(place / "a.mp4"), film(tmp_path / "b.mp4")
    begun(tmp_path / "c.mp4", None, 0)
    found = find_films(FilmPlaces((place,), (inside, outside, tmp_path / "c.mp4", tmp_path / "gone.mp4")), cache)
    assert sorted(names(found)) == ["a.mp4", "b.mp4", "c.mp4"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (FilmFilter(text="SWAN lake"), ["a.mp4"]),
        (FilmFilter(text="b.mp4"), ["b.mp4"]),
        (FilmFilter(model="DF-1.3"), ["b.mp4"]),
        (FilmFilter(since=2e9), ["b.mp4"]),
        (FilmFilter(until=2e9), ["a.mp4"]),
        (FilmFilter(finished=False), ["c.mp4"]),
        (FilmFilter(text="unicorn"), []),
    ],
)
def test_what_is_wanted(place: Path, cache: FilmCache, wanted: FilmFilter, expected: list[str]) -> None:
    film(place / "a.mp4", prompt="a lake with a swan")
    film(place / "b.mp4", {"finished_at": 3e9}, model="df-1.3b-540p")
    os.utime(begun(place / "c.mp4", 3, 1, prompt="c"), (0, 0))
    assert [name for name in names(find_films(FilmPlaces((place,)), cache, wanted)) if name in expected] == expected
    if wanted.finished is None:
        assert len([name for name in names(find_films(FilmPlaces((place,)), cache, wanted)) if name != "c.mp4"]) <= 1


def test_a_film_that_a_process_makes_is_being_rendered(place: Path, cache: FilmCache) -> None:
    folder = begun(place / "a.mp4", 3, 1)
    started = psutil.Process().create_time()
    holder = {"pid": os.getpid(), "started": started, "host": socket.gethostname()}
    (folder / "holder.json").write_text(json.dumps(holder))
    (found,) = find_films(FilmPlaces((place,)), cache)
    assert (found.state, found.resume) == ("rendering", None)
    with pytest.raises(UsageError) as refused:
        FilmRemoval.of(place / "a.mp4")
    assert refused.value.code == "film-busy"
    (folder / "holder.json").write_text(json.dumps({**holder, "started": started - 100}))
    (found,) = find_films(FilmPlaces((place,)), cache)
    assert found.state == "unfinished"


def test_what_is_removed(place: Path) -> None:
    film(place / "a.mp4")
    begun(place / "a.mp4", 1, 1)
    film(place / "b.mp4")
    removal = FilmRemoval.of(place / "a.mp4")
    ours = [file for file in place.rglob("*") if "a.mp4" in str(file) and file.is_file()]
    assert removal.frees == sum(file.stat().st_size for file in ours)
    removal.carry_out()
    assert sorted(file.name for file in place.iterdir()) == ["b.mp4", "b.mp4.json"]


def test_tags_are_words(place: Path) -> None:
    path = film(place / "a.mp4")
    assert change_tags(path, add=["b", "a"]) == ("a", "b")
    assert change_tags(path, drop=["b"]) == ("a",)
    assert json.loads((place / "a.mp4.json").read_text())["recipe"] == RECIPE
    with pytest.raises(UsageError, match="no tag"):
        change_tags(path, add=["two words"])


def test_names(place: Path, cache: FilmCache) -> None:
    film(place / "a.mp4")
    film(place / "b.mp4", {"finished_at": time.time()})
    found = find_films(FilmPlaces((place,)), cache)
    meant = [names(find_one(said, found)) for said in ("last", "a", "a.mp4", "x")]
    assert meant == [["b.mp4"], ["a.mp4"], ["a.mp4"], []]
