"""The last frames of a video, compared with decoding all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.media.reader import decoded, read_frames, read_tail, tail_hashes
from skyreels_cli.media.video import steady_video
from tests.second_reader import ffmpeg

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    ("name", "coding"),
    [
        ("open_gop.mp4", ["-c:v", "libx264", "-x264-params", "open-gop=1:keyint=12"]),
        ("late.ts", ["-c:v", "libx264", "-g", "10"]),
        ("timeless.avi", ["-c:v", "mpeg4", "-bf", "2"]),
        ("bare.h264", ["-c:v", "libx264"]),
        ("web.webm", ["-c:v", "libvpx-vp9", "-b:v", "200k", "-deadline", "realtime"]),
    ],
)
@pytest.mark.parametrize("count", [1, 17, 60])
def test_exactly_the_last_frames(tmp_path: Path, name: str, coding: list[str], count: int) -> None:
    path = tmp_path / name
    noisy = "testsrc2=s=64x48:r=30,noise=alls=80:allf=t+u"
    ffmpeg("-f", "lavfi", "-i", noisy, "-frames:v", 60, "-pix_fmt", "yuv420p", *coding, path)
    video = steady_video(path)
    expected = list(read_frames(path))
    assert len(expected) == video.frames == 60
    tail = read_tail(video, count, 64, 48)
    assert tail.shape == (count, 48, 64, 3)
    apart = np.abs(tail[:, None].astype(np.int16) - np.stack(expected)[None]).mean(axis=(2, 3, 4))
    assert apart.argmin(axis=1).tolist() == list(range(60 - count, 60))
    assert tail_hashes(video, count) == tail_hashes(video, 60)[-count:]


def test_lossless_frames_come_as_they_are() -> None:
    video = steady_video(GOLDEN / "prefix.mkv")
    assert np.array_equal(read_tail(video, 9, 80, 48), list(read_frames(GOLDEN / "prefix.mkv"))[-9:])


def test_only_the_end_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30", "-frames:v", 300, "-g", 30, path)
    video = steady_video(path)
    frames = list(decoded(path, since=video.times.ticks[-17]))
    assert len(frames) == 30  # from the key frame before
    assert [frame.pts for frame in frames[-17:]] == video.times.ticks[-17:]


def test_a_tail_is_upright_and_scaled(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", 9, tmp_path / "wide.mp4")
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "wide.mp4", "-c", "copy", tmp_path / "tall.mp4")
    wide = read_tail(steady_video(tmp_path / "wide.mp4"), 5, 96, 64)
    tall = read_tail(steady_video(tmp_path / "tall.mp4"), 5, 64, 96)
    assert np.abs(np.rot90(wide, axes=(1, 2)).astype(int) - tall).mean() < 2  # chroma is sampled the other way round
    half = read_tail(steady_video(tmp_path / "tall.mp4"), 5, 32, 48)
    assert half.shape == (5, 48, 32, 3)
    assert np.abs(tall.reshape(5, 48, 2, 32, 2, 3).mean(axis=(2, 4)) - half).mean() < 5
