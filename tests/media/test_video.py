"""What is known of a video that others made before frames are put behind it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.media.video import Colour, Orientation, steady_video
from tests.second_reader import ffmpeg

PICTURE = ("-f", "lavfi", "-i")


@pytest.mark.parametrize(
    ("rate", "fps", "suffix"),
    [
        ("30", Fraction(30), ".mp4"),
        ("24000/1001", Fraction(24000, 1001), ".mp4"),
        ("24000/1001", Fraction(24000, 1001), ".mkv"),
        ("12.5", Fraction(25, 2), ".mp4"),
    ],
)
def test_rate_and_times_are_exact(tmp_path: Path, rate: str, fps: Fraction, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    ffmpeg(*PICTURE, f"testsrc2=s=64x48:r={rate}", "-frames:v", 50, path)
    video = steady_video(path)
    assert (video.frames, video.fps) == (50, fps)
    assert float(video.times.seconds(-1)) == pytest.approx(float(49 / fps), abs=0.0006)
    assert video.times.delay == 2  # x264's B-frames refer to each other


def test_a_portrait_phone_video_is_seen_upright(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "testsrc2=s=96x64:r=25", "-frames:v", 5, tmp_path / "wide.mp4")
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "wide.mp4", "-c", "copy", tmp_path / "tall.mp4")
    video = steady_video(tmp_path / "tall.mp4")
    assert (video.shown_size, video.orientation) == ((64, 96), Orientation(True, False, True))


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "testsrc2=s=72x48:r=25", "-vf", "setsar=4/3", "-frames:v", 5, tmp_path / "wide.mp4")
    video = steady_video(tmp_path / "wide.mp4")
    assert (video.pixel_aspect, video.shown_size) == (Fraction(4, 3), (96, 48))


def test_colour_is_what_the_stream_says(tmp_path: Path) -> None:
    tag = "setparams=range=pc:colorspace=bt709:color_primaries=bt709:color_trc=iec61966-2-1"
    ffmpeg(*PICTURE, "testsrc2=s=64x48:r=25", "-vf", f"format=yuv444p,{tag}", "-frames:v", 5, tmp_path / "a.mp4")
    assert steady_video(tmp_path / "a.mp4").colour == Colour(True, 1, 1, 13)
    ffmpeg(*PICTURE, "testsrc2=s=64x48:r=25", "-pix_fmt", "yuv420p", "-frames:v", 5, tmp_path / "b.mp4")
    assert steady_video(tmp_path / "b.mp4").colour == Colour()
    assert Colour().swscale_matrix == "bt601"


def test_a_rate_that_varies_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "phone's.mp4"
    gaps = "select='gt(random(1),0.4)'"
    ffmpeg(*PICTURE, "testsrc2=s=64x48:r=30:d=2", "-vf", gaps, "-fps_mode", "vfr", path)
    with pytest.raises(UsageError) as error:
        steady_video(path)
    assert error.value.code == "video-variable-rate"
    assert str(error.value.hint).startswith("ffmpeg -i ")
    assert "-fps_mode cfr" in str(error.value.hint)


def test_a_dropped_frame_now_and_then_is_no_variable_rate(tmp_path: Path) -> None:
    drops = "select='not(between(n,10,13)+between(n,30,39))'"
    ffmpeg(*PICTURE, "testsrc2=s=64x48:r=30:d=2", "-vf", drops, "-fps_mode", "vfr", tmp_path / "clip.mp4")
    video = steady_video(tmp_path / "clip.mp4")
    assert (video.frames, video.fps) == (46, 30)  # 23 on average, which is what ffmpeg says


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    ffmpeg(*PICTURE, "sine=d=1", tmp_path / "song.m4a")
    with pytest.raises(UsageError, match="sound but no picture") as error:
        steady_video(tmp_path / "song.m4a")
    assert error.value.code == "video-no-stream"


def test_no_such_file_and_no_video(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as missing:
        steady_video(tmp_path / "gone.mp4")
    assert missing.value.code == "video-not-found"
    (tmp_path / "torn.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom")
    with pytest.raises(UsageError) as torn:
        steady_video(tmp_path / "torn.mp4")
    assert torn.value.code == "video-unreadable"
