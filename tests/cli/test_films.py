"""`skyreels films` and `skyreels show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.cli.moment import how_long_ago, past_moment
from skyreels_cli.errors import UsageError
from skyreels_cli.film.index import player
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

from .conftest import Ran

Run = Callable[..., Ran]
RECIPE = {"prompt": "a swan", "model": "tiny", "seed": 7, "resolution": "80x48", "num_frames": 3, "fps": 24}
LOOK = {"luma": 0.5, "saturation": 0.2, "contrast": 0.1, "sharpness": 0.1}
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def make(name: str, prompt: str = "a swan", **said: Any) -> Path:
    recipe = {**RECIPE, "prompt": prompt, **said}
    path = Path(name)
    comment = json.dumps({"recipe": recipe})
    with VideoEncoder(path, width=80, height=48, fps=24, coding=film_coding("h264", 7), comment=comment) as encoder:
        encoder.write(np.zeros((3, 48, 80, 3), np.uint8))
    result = {"finished_at": 1_700_000_000, "elapsed_s": 83.0, "peak_memory_bytes": 8_100_000_000, "windows": 2}
    looks = [LOOK, {**LOOK, "luma": 0.53, "contrast": 0.0999}]
    path.with_name(f"{name}.json").write_text(json.dumps({"recipe": recipe, "result": result, "looks": looks}))
    return path


def begin(name: str) -> Path:
    folder = Path(f"{name}.skyreels")
    folder.mkdir()
    (folder / "film.json").write_text(json.dumps({"recipe": RECIPE, "folder": "/somewhere", "windows": 2}))
    (folder / "w0000.json").write_text(json.dumps({"look": LOOK}))
    return folder


def test_list_tells_of_finished_and_unfinished_films(run: Run) -> None:
    make("a.mp4", "a red fox")
    begin("b.mp4")
    ran = run("films")
    assert "a red fox" in ran.out
    assert "1/2 windows" in ran.out
    assert f"go on: skyreels resume {Path('b.mp4').absolute()}" in ran.out.replace("\n", "")
    data = run("films", "list", "--json").envelope["data"]
    assert [(Path(film["path"]).name, film["state"]) for film in data["films"]] == [
        ("b.mp4", "unfinished"),
        ("a.mp4", "finished"),
    ]
    assert run("films", "list", "--text", "fox", "-q").out == f"{Path('a.mp4').absolute()}\n"
    assert run("films", "list", "--since", "today", "-q").out == f"{Path('b.mp4').absolute()}\n"


def test_show_is_one_screen(run: Run) -> None:
    make("a.mp4")
    out = run("films", "show", "a").out
    lines = out.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    length = "3 frames, 0.1 s at 24 fps, 80×48, h264"
    for words in ("a swan", length, "rendered in 1:23, peak 8.1 GB", "seed", "+3.0 %"):
        assert words in out
    assert "-0.0" not in out
    data = run("films", "show", "a", "--json").envelope["data"]
    assert (data["recipe"]["seed"], data["result"]["elapsed_s"], len(data["looks"])) == (7, 83.0, 2)


def test_show_of_an_unfinished_film_by_its_name_and_by_its_folder(run: Run) -> None:
    folder = begin("b.mp4")
    for name in ("b.mp4", "b", str(folder), "last"):
        data = run("show", name, "--json").envelope["data"]
        assert (data["film"]["windows_done"], data["film"]["windows"]) == (1, 2)
        assert "folder" not in data
    assert "1 of 2 windows" in run("show", "b.mp4").out
    assert "skyreels resume" in run("show", "b.mp4").out


def test_show_of_a_preset_and_of_a_code(run: Run) -> None:
    assert run("show", "10s-sync", "--json").envelope["data"]["values"]["num_frames"] == 257
    code = run("preset", "export", "10s-sync", "--code", "-q").out.strip()
    assert run("show", code, "--json").envelope["data"]["values"]["num_frames"] == 257


def test_what_is_not_there(run: Run) -> None:
    make("swan.mp4")
    ran = run("show", "swam", "--json")
    assert ran.envelope["error"]["code"] == "film-not-found"
    assert 'did you mean "swan"' in ran.envelope["error"]["message"]


def test_tags_find_a_film_again(run: Run) -> None:
    make("a.mp4", "a swan on a lake at dawn " * 9)
    assert run("films", "tag", "a", "best", "night").out == "best night\n"
    assert "a.mp4 #best #night " in run("films", "list").out
    assert run("films", "tag", "a", "night", "--drop").out == "best\n"
    assert run("films", "list", "--tag", "best", "-q").out == f"{Path('a.mp4').absolute()}\n"
    assert run("films", "list", "--tag", "night", "-q").out == "\n"


def test_remove_says_what_it_frees_and_asks(run: Run) -> None:
    make("a.mp4")
    refused = run("films", "remove", "a")
    assert (refused.status, Path("a.mp4").exists()) == (2, True)
    assert "hint: skyreels films remove a --yes" in refused.err
    data = run("films", "remove", "a", "--yes", "--json").envelope["data"]
    assert data["freed_bytes"] > 0
    assert list(Path().iterdir()) == []


def test_open(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(player, "open_outside", lambda path: not opened.append(path))
    film = make("a.mp4").absolute()
    run("films", "open", "a")
    run("films", "open", "a", "--folder")
    assert opened == [film, film.parent]
    begin("b.mp4")
    for words in (("open", "b.mp4"), ("show", "b.mp4", "--browse")):
        assert run("films", *words, "--json").envelope["error"]["code"] == "nothing-to-play"


@pytest.mark.parametrize(
    ("said", "ago"),
    [
        ("today", timedelta(hours=12)),
        ("yesterday", timedelta(hours=36)),
        ("3h", timedelta(hours=3)),
        ("7d", timedelta(days=7)),
        ("2026-11-27T12:00", timedelta(days=1)),
    ],
)
def test_moments(said: str, ago: timedelta) -> None:
    assert past_moment(said, NOW) == NOW - ago


def test_no_moment() -> None:
    with pytest.raises(UsageError, match="no time"):
        past_moment("soon", NOW)


def test_how_long_ago() -> None:
    gaps = (timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=5), timedelta(days=3))
    assert [how_long_ago(NOW - gap, NOW) for gap in gaps] == ["just now", "1 minute ago", "5 hours ago", "3 days ago"]


def test_two_films_are_compared(run: Run) -> None:
    make("a.mp4")
    make("b.mp4", "a fox")
    ran = run("films", "compare", "a", "b", "--json")
    data = ran.envelope["data"]
    assert data["same_frames"] == 3
    assert {"key": "recipe.prompt", "a": "a swan", "b": "a fox"} in data["differences"]
    assert data["drift"][0]["luma"] == pytest.approx(0.03)
    out = run("films", "compare", "a", "b").out
    assert "the first 3 frames are the same, byte for byte" in out
    assert "drift luma" in out


def test_people_see_windows_counted_from_one(run: Run) -> None:
    rerolls = [{"window": 1, "seed": 9, "prompt": None}]
    make("a.mp4", rerolls=[])
    make("b.mp4", rerolls=rerolls)
    said = "from window 2 on seed 9"
    compared = " ".join(run("films", "compare", "a", "b").out.split())
    assert said in compared
    assert '"window"' not in compared
    data = run("films", "compare", "a", "b", "--json").envelope["data"]
    assert {"key": "recipe.rerolls", "a": [], "b": rerolls} in data["differences"]  # as it is stored
    Path("mine.yaml").write_text("schema: 1\nrerolls:\n- {window: 1, seed: 9}\n")
    Path("other.yaml").write_text("schema: 1\nrerolls:\n- {window: 2, seed: 9}\n")
    assert said in run("show", "mine.yaml").out
    assert "from window 3 on seed 9" in run("preset", "diff", "mine.yaml", "other.yaml").out
