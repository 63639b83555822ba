"""Pictures of a film, read back by others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from skyreels_cli.errors import UsageError
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.pictures import check_picture, contact_sheet, save_picture, write_moving
from skyreels_cli.media.reader import read_frame, read_some
from skyreels_cli.media.video import Video, open_video
from tests.second_reader import Frames, ffmpeg


def film(path: Path, frames: Frames, fps: Fraction = Fraction(24)) -> Video:
    height, width = frames.shape[1:3]
    with VideoEncoder(path, width=width, height=height, fps=fps, coding=film_coding("ffv1", 7)) as encoder:
        encoder.write(frames)
    return open_video(path)


@pytest.mark.parametrize("number", [0, 3, 19])
def test_a_frame_is_the_frame(tmp_path: Path, waves: Frames, number: int) -> None:
    save_picture(read_frame(film(tmp_path / "a.mkv", waves), number), tmp_path / "a.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), waves[number])


def test_a_frame_is_upright_with_square_pixels(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=72x64:r=25", "-vf", "setsar=16/11", "-frames:v", 5, tmp_path / "wide.mp4")
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "wide.mp4", "-c", "copy", tmp_path / "tall.mp4")
    assert read_frame(open_video(tmp_path / "wide.mp4"), 2).shape == (64, 105, 3)
    assert read_frame(open_video(tmp_path / "tall.mp4"), 2).shape == (105, 64, 3)


def test_a_sheet_has_each_picture_at_its_place(tmp_path: Path) -> None:
    colours = np.arange(6, dtype=np.uint8) * 40
    frames = np.broadcast_to(colours[:, None, None, None], (6, 48, 80, 3)).copy()
    video = film(tmp_path / "a.mkv", frames)
    sheet = contact_sheet(read_some(video, [0, 1, 2, 4, 5]), ["a", "b", "c", "d", "e"])
    # Each is 320 pixels wide, however small the film is: captions need the room.
    assert sheet.shape == (2 * (192 + 28) + 8, 4 * 328 + 8, 3)
    middles = [sheet[8 + 20 + 96 + n // 4 * 220, 8 + 160 + n % 4 * 328, 0] for n in range(5)]
    assert middles == [0, 40, 80, 160, 200]
    assert (sheet[8:28, 8:336].min(axis=2) < 128).any()  # a caption


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize(("fps", "kept"), [(Fraction(24), 2), (Fraction(30000, 1001), 2), (Fraction(16), 1)])
def test_a_moving_picture_keeps_the_pace(tmp_path: Path, waves: Frames, suffix: str, fps: Fraction, kept: int) -> None:
    video = film(tmp_path / "a.mkv", np.concatenate([waves] * 3), fps)
    assert write_moving(video, tmp_path / f"a{suffix}") == 60 // kept
    with Image.open(tmp_path / f"a{suffix}") as picture:
        seen = [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(picture)]
    frames = [(gap, pixels) for pixels, gap in seen]
    assert len(frames) == 60 // kept
    assert sum(gap for gap, _ in frames) == pytest.approx(float(60_000 / fps), abs=10)
    assert max(gap for gap, _ in frames) - min(gap for gap, _ in frames) <= (10 if suffix == ".gif" else 1)
    assert np.abs(frames[5][1].astype(int) - waves[5 * kept % 20]).mean() < 12


def test_a_large_film_becomes_small(tmp_path: Path) -> None:
    video = film(tmp_path / "a.mkv", np.zeros((4, 300, 960, 3), np.uint8))
    write_moving(video, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.size == (480, 150)


def test_what_is_no_picture_s_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        check_picture(tmp_path / "a.bmp", (".png", ".jpg"))
    assert (error.value.code, str(error.value.hint).endswith("a.png")) == ("picture-suffix", True)
