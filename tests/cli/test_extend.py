"""`skyreels extend`, up to the engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.second_reader import ffmpeg

from .conftest import MODEL, FakeFilm, Ran

Run = Callable[..., Ran]
PREFIX = MODEL.parent / "prefix.mkv"
LINE = ("--model", str(MODEL), "--overlap-history", "9")


@pytest.fixture
def clip() -> Path:
    """20 portrait frames of 48x80, 30 a second, in the working folder; made by us with a prompt."""
    told = json.dumps({"recipe": {"prompt": "a green kite"}})
    picture = ["-f", "lavfi", "-i", "testsrc2=s=48x80:r=30", "-frames:v", "20", "-pix_fmt", "yuv420p"]
    Path("films").mkdir()
    path = Path("films/clip.mov")
    ffmpeg(*picture, "-metadata", f"comment={told}", str(path))
    return path


def test_the_video_decides_shape_rate_and_container(run: Run, film: FakeFilm, clip: Path) -> None:
    ran = run("extend", str(clip), "it lands", *LINE, "--num-frames", "8", "--seed", "7", "--json")
    assert ran.status == 0, ran.err
    assert ran.envelope["command"] == "extend"
    recipe = film.recipes[0]
    assert (recipe.video, recipe.prompt, recipe.num_frames) == (str(clip.absolute()), "it lands", 8)
    assert (recipe.width, recipe.height, recipe.fps, recipe.codec) == (48, 80, 30, "h264")
    assert ran.envelope["data"]["output"].endswith("_it-lands_7.mov")
    assert "note: The video has 30 frames per second; the model knows 16 and 24" in ran.err


def test_a_film_of_ours_goes_on_with_its_own_prompt(run: Run, film: FakeFilm, clip: Path) -> None:
    ran = run("extend", str(clip), *LINE)
    assert ran.status == 0, ran.err
    assert film.recipes[0].prompt == "a green kite"
    assert "prompt from clip.mov: a green kite" in ran.err


def test_the_references_flag_is_the_same(run: Run, film: FakeFilm) -> None:
    said = (*LINE, "--num_frames", "17", "--reference-count", "--seed", "1", "-o", "x.mkv", "--overwrite")
    assert run("generate", "a ball", "--video_path", str(PREFIX), *said).status == 0
    assert run("extend", str(PREFIX), "a ball", *said).status == 0
    assert film.recipes[0] == film.recipes[1]
    assert (film.recipes[0].num_frames, film.recipes[0].codec) == (8, "ffv1")


def test_the_plan_counts_new_frames(run: Run, film: FakeFilm) -> None:
    ran = run("extend", str(PREFIX), "x", *LINE, "--base-num-frames", "17", "--num-frames", "15", "--dry-run", "--json")
    windows = ran.envelope["data"]["windows"]
    found = [(window["first_frame"], window["frames"], window["drop_frames"]) for window in windows]
    assert found == [(0, 8, 9), (8, 7, 9)]
    assert film.recipes == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["extend", "gone.mp4", "x"], "video-not-found"),
        (["extend", str(MODEL.parent / "cases.json"), "x"], "video-unreadable"),
        (["extend", str(MODEL.parent / "first.png"), "x"], "video-is-picture"),
        (["extend", str(PREFIX)], "no-prompt"),
        (["extend", str(PREFIX), "x", "--fps", "30"], "usage"),
        (["extend", str(PREFIX), "x", "--aspect", "1:1"], "usage"),
        (["extend", str(PREFIX), "x", "--video-path", "y.mp4"], "usage"),
        (["extend", str(PREFIX), "x", "--num-frames", "9", "--reference-count"], "plan-num-frames"),
        (["extend", str(PREFIX), "x", "-o", "x.mp4"], "codec-container"),
        (["extend", str(PREFIX), "x", "--overlap-history", "8"], "plan-overlap-history"),
        (["generate", "x", "--reference-count"], "usage"),
    ],
)
def test_bad_input_is_found_before_rendering(run: Run, film: FakeFilm, line: list[str], code: str) -> None:
    ran = run(*line[:1], "--model", str(MODEL), "--overlap-history", "9", *line[1:], "--json")
    assert (ran.status, ran.envelope["error"]["code"]) == (2, code), ran.out
    assert ran.envelope["error"]["hint"]
    assert film.recipes == []


def test_what_the_container_cannot_hold_is_said(run: Run, film: FakeFilm, tmp_path: Path) -> None:
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,500\nHello\n")
    picture = ("-f", "lavfi", "-i", "testsrc2=s=48x80:r=24", "-i", tmp_path / "s.srt", "-map", 0, "-map", 1)
    ffmpeg(*picture, "-frames:v", 20, "-c:v", "libx264", "-pix_fmt", "yuv420p", tmp_path / "a.mkv")
    line = ("extend", str(tmp_path / "a.mkv"), "x", *LINE, "--num-frames", "8")
    lossy = run(*line, "-o", "x.mp4")
    assert ".mp4 cannot hold what comes with the video: subtitle (" in lossy.err
    assert "cannot hold" not in run(*line, "-o", "x.mkv").err
