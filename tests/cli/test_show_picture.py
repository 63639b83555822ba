"""`skyreels show FILM -o PICTURE`."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

from .conftest import Ran

Run = Callable[..., Ran]
LEVELS = np.arange(20, dtype=np.uint8) * 12


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """20 grey frames, each of another level; of two windows, and of 4 frames of a video before them."""
    path = tmp_path / "film.mkv"
    with VideoEncoder(path, width=80, height=48, fps=Fraction(24000, 1001), coding=film_coding("ffv1", 7)) as encoder:
        encoder.write(np.broadcast_to(LEVELS[:, None, None, None], (20, 48, 80, 3)).copy())
    plan = {"frames": 16, "windows": [{"first_frame": 0}, {"first_frame": 9}]}
    path.with_name("film.mkv.json").write_text(json.dumps({"recipe": {"prompt": "x"}, "plan": plan}))
    return path


@pytest.mark.parametrize(("said", "level"), [("1", 0), ("7", 72), ("20", 228), ("last", 228)])
def test_a_frame(run: Run, film: Path, tmp_path: Path, said: str, level: int) -> None:
    output = tmp_path / "x.png"
    ran = run("show", str(film), "--frame", said, "-o", str(output), "--json")
    assert ran.envelope["data"] == {"output": str(output), "width": 80, "height": 48, "frames": 1}
    assert (np.asarray(Image.open(output)) == level).all()


def test_a_sheet_of_the_windows(run: Run, film: Path, tmp_path: Path) -> None:
    assert run("show", str(film), "--sheet", "-o", str(tmp_path / "x.png")).status == 0
    sheet = np.asarray(Image.open(tmp_path / "x.png"))
    assert sheet.shape == (192 + 28 + 8, 2 * 328 + 8, 3)
    assert [sheet[124, 168, 0], sheet[124, 496, 0]] == [LEVELS[4], LEVELS[13]]


def test_a_sheet_without_a_plan_is_evenly_spaced(run: Run, film: Path, tmp_path: Path) -> None:
    film.with_name("film.mkv.json").unlink()
    data = run("show", str(film), "--sheet", "-o", str(tmp_path / "x.png"), "--json").envelope["data"]
    assert (data["width"], data["height"]) == (4 * 328 + 8, 3 * 220 + 8)
    sheet = np.asarray(Image.open(tmp_path / "x.png"))
    assert (sheet[124, 168, 0], sheet[124 + 2 * 220, 168 + 3 * 328, 0]) == (0, 228)


def test_its_drift(run: Run, film: Path) -> None:
    """Two windows behind 4 given frames: three parts, the levels of which are known."""
    data = run("show", str(film), "--drift", "--json").envelope["data"]
    assert [part["first_frame"] for part in data["parts"]] == [0, 4, 13]
    levels = [LEVELS[:4].mean(), LEVELS[4:13].mean(), LEVELS[13:].mean()]
    assert [part["luma"] for part in data["parts"]] == pytest.approx([level / 255 for level in levels], abs=0.01)
    assert [part["step"] for part in data["parts"]][1:] == pytest.approx([1.0, 1.0], abs=0.01)
    said = run("show", str(film), "--drift").out
    assert "luma" in said
    assert "+0." in said


def test_its_drift_as_a_picture(run: Run, film: Path, tmp_path: Path) -> None:
    """Luma rises: the first curve's ink is low at the left and high at the right."""
    assert run("show", str(film), "--plot", "-o", str(tmp_path / "x.png")).status == 0
    picture = np.asarray(Image.open(tmp_path / "x.png")).astype(int)
    blue = np.abs(picture - (31, 119, 180)).sum(-1) < 30
    left, right = (np.nonzero(blue[:220, side])[0].mean() for side in (20, 970))
    assert left > right + 100


def test_a_sheet_of_a_single_window_shows_more_than_its_first_frame(run: Run, film: Path, tmp_path: Path) -> None:
    beside = film.with_name("film.mkv.json")
    made = json.loads(beside.read_text(encoding="utf-8"))
    made["plan"]["windows"] = made["plan"]["windows"][:1]
    beside.write_text(json.dumps(made), encoding="utf-8")
    data = run("show", str(film), "--sheet", "-o", str(tmp_path / "x.png"), "--json").envelope["data"]
    assert (data["width"], data["height"]) == (4 * 328 + 8, 3 * 220 + 8)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_moving_picture(run: Run, film: Path, tmp_path: Path, suffix: str) -> None:
    ran = run("show", str(film), "-o", str(tmp_path / f"x{suffix}"), "--json")
    assert ran.envelope["data"]["frames"] == 10
    folder = tmp_path / ("long" * 25)  # longer than a line: a path stays in one piece
    folder.mkdir()
    assert run("show", str(film), "-o", str(folder / f"y{suffix}")).out.strip() == f"{folder}/y{suffix}  80×48"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["--frame", "0", "-o", "x.png"], "frame-number"),
        (["--frame", "21", "-o", "x.png"], "frame-number"),
        (["--frame", "first", "-o", "x.png"], "frame-number"),
        (["--frame", "1", "--sheet", "-o", "x.png"], "usage"),
        (["--plot", "--sheet", "-o", "x.png"], "usage"),
        (["--plot"], "usage"),
        (["--drift", "-o", "x.png"], "usage"),
        (["--browse"], "no-terminal"),
        (["--browse", "--drift"], "usage"),
        (["--browse", "--frame", "1"], "usage"),
        (["--plot", "-o", "x.gif"], "picture-suffix"),
        (["--frame", "1"], "usage"),
        (["-o", "x.png"], "usage"),
        (["--sheet", "-o", "x.gif"], "picture-suffix"),
        (["-o", "x.mp4"], "picture-suffix"),
        (["--frame", "1", "-o", "there.png"], "output-exists"),
    ],
)
def test_what_makes_no_picture(
    run: Run, film: Path, tmp_path: Path, line: list[str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.png").write_text("mine")
    ran = run("show", str(film), *line, "--json")
    assert (ran.status, ran.envelope["error"]["code"]) == (2, code)
    assert ran.envelope["error"]["hint"]
    assert Path("there.png").read_text() == "mine"
    assert not Path("x.png").exists()
