"""Facts and frames of videos that others made."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.media.reader import read_frames
from skyreels_cli.media.video import open_video
from tests.second_reader import ffmpeg

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = json.loads((GOLDEN / "cases.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_golden_films_have_their_frames(name: str) -> None:
    case = CASES[name]
    facts = open_video(GOLDEN / f"{name}.mkv")
    frames = list(read_frames(GOLDEN / f"{name}.mkv"))
    assert len(frames) == facts.frames == case["frames"]
    assert {frame.shape for frame in frames} == {(case["height"], case["width"], 3)}
    assert facts.fps == 24  # of the files; fps16 told 16 to the model only
    assert facts.duration_s == pytest.approx(case["frames"] / 24, abs=0.02)
    assert (facts.codec, facts.has_audio) == ("ffv1", False)


def test_frames_are_those_that_ffmpeg_writes_as_pictures(tmp_path: Path) -> None:
    from PIL import Image

    ffmpeg("-i", GOLDEN / "t2v_sync.mkv", tmp_path / "%03d.png")
    pictures = [np.asarray(Image.open(path)) for path in sorted(tmp_path.iterdir())]
    assert all(map(np.array_equal, read_frames(GOLDEN / "t2v_sync.mkv"), pictures))
    assert len(pictures) == 17


def test_frames_can_be_changed() -> None:
    frame = next(read_frames(GOLDEN / "t2v_sync.mkv"))
    frame[:] = 0
    assert frame.max() == 0


def test_a_reader_may_stop_early() -> None:
    frames = read_frames(GOLDEN / "long_sync.mkv")
    first = next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert np.array_equal(first, next(read_frames(GOLDEN / "long_sync.mkv")))


def test_sound_and_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x32:r=24000/1001:d=2")
    ffmpeg(*picture, "-f", "lavfi", "-i", "sine=d=2", "-pix_fmt", "yuv420p", "-c:a", "aac", path)
    facts = open_video(path)
    assert (facts.width, facts.height, facts.fps) == (64, 32, Fraction(24000, 1001))
    assert (facts.has_audio, facts.codec, facts.pix_fmt, facts.frames) == (True, "h264", "yuv420p", 48)


@pytest.mark.parametrize("rate", [8, 12.5, 16, 25, 60])
def test_plain_rates(tmp_path: Path, rate: float) -> None:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=64x32:r={rate}:d=1", tmp_path / "a.mp4")
    assert open_video(tmp_path / "a.mp4").fps == Fraction(rate)


def test_a_turned_phone_films_upright(tmp_path: Path) -> None:
    flat, turned = tmp_path / "flat.mp4", tmp_path / "turned.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x32:r=8:d=1", flat)
    ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", turned)
    facts = open_video(turned)
    assert facts.shown_size == (32, 64)
    for upright, lying in zip(read_frames(turned), read_frames(flat), strict=True):
        assert np.abs(upright.astype(int) - np.rot90(lying)).mean() < 3  # chroma is interpolated another way


def test_missing(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"")
    with pytest.raises(UsageError, match=r'did you mean "film.mp4"') as error:
        open_video(tmp_path / "flim.mp4")
    assert (error.value.code, error.value.exit_code) == ("video-not-found", 2)


@pytest.mark.parametrize("content", [b"", b"hello world" * 50, (GOLDEN / "first.png").read_bytes()[:300]])
def test_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"film\.mp4") as error:
        list(read_frames(path))
    assert (error.value.code, error.value.exit_code) == ("video-unreadable", 2)
    assert error.value.hint
