"""A film tells nothing about the machine, and goes on after its folder has moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from skyreels_cli.cli.main import main

GOLDEN = Path(__file__).parents[1] / "golden" / "model"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a picture and a model in it."""
    home = tmp_path / "home-of-anna"
    (home / "somewhere").mkdir(parents=True)
    Image.new("RGB", (80, 48), (200, 30, 30)).save(home / "somewhere" / "first.png")
    shutil.copytree(GOLDEN, home / "models" / "x")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SKYREELS_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(home)
    return home


def generate(*more: str) -> int:
    line = ("generate", "a ball", "--model", "~/models/x", "--image", "~/somewhere/first.png", "--seed", "1")
    size = ("--resolution", "80x48", "--num-frames", "29", "--base-num-frames", "17", "--overlap-history", "5")
    return main([*line, *size, "--inference-steps", "2", "--codec", "ffv1", "-o", "somewhere/x.mkv", *more])


def test_show_says_nothing_of_the_home(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate() == 0
    capsys.readouterr()
    assert main(["show", "somewhere/x.mkv", "--json"]) == 0
    told = capsys.readouterr().out
    sidecar = (home / "somewhere" / "x.mkv.json").read_text(encoding="utf-8")
    for text in (told, sidecar, (home / "somewhere" / "x.mkv").read_bytes().decode("latin-1")):
        assert "home-of-anna" not in text
    data = json.loads(told)["data"]
    assert (data["recipe"]["image"], data["recipe"]["model"], data["model"]["name"]) == ("first.png", "x", "x")
    assert data["inputs"]["image"]["name"] == "first.png"
    assert data["inputs"]["image"]["bytes"] == (home / "somewhere" / "first.png").stat().st_size


def test_it_is_resumed_where_its_folder_went(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate() == 0
    whole = (home / "somewhere" / "x.mkv").read_bytes()
    for file in (home / "somewhere").glob("x.mkv*"):
        file.unlink()
    from skyreels_cli.film.folder.work import WorkFolder

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(WorkFolder, "write_checkpoint", stop)
        patched.setattr("skyreels_cli.film.film.FilmRenderer._finish", stop)
        assert generate() == 130
    (home / "somewhere").rename(home / "elsewhere")
    (home / "models").rename(home / "elsewhere" / "models")
    capsys.readouterr()
    moved = home / "elsewhere" / "x.mkv"
    assert main(["resume", str(moved)]) == 2  # the model is neither where it was nor beside the film
    assert "home-of-anna/models/x" in capsys.readouterr().err
    (home / "elsewhere" / "models").rename(home / "models")
    assert main(["resume", str(moved)]) == 0, capsys.readouterr().err
    from skyreels_cli.media.reader import read_frames

    (home / "whole.mkv").write_bytes(whole)
    pairs = zip(read_frames(moved), read_frames(home / "whole.mkv"), strict=True)
    assert all((one == other).all() for one, other in pairs)
