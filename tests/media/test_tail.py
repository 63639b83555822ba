"""The last frames of a video, compared with decoding all of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from skyreels_cli.media.ffmpeg import ffmpeg_exe
from skyreels_cli.media.footage import open_footage
from skyreels_cli.media.tail import _sources, read_tail, tail_hashes

from skyreels_cli.media.reader import read_frames

from .conftest import ffmpeg

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
    footage = open_footage(path)
    expected = list(read_frames(path))
    assert len(expected) == footage.frames == 60
    tail = read_tail(footage, count, 64, 48)
    assert tail.shape == (count, 48, 64, 3)
    apart = np.abs(tail[:, None].astype(np.int16) - np.stack(expected)[None]).mean(axis=(2, 3, 4))
    assert apart.argmin(axis=1).tolist() == list(range(60 - count, 60))
    assert tail_hashes(path, footage.times, count) == tail_hashes(path, footage.times, 60)[-count:]


def test_lossless_frames_come_as_they_are() -> None:
    footage = open_footage(GOLDEN / "prefix.mkv")
    assert np.array_equal(read_tail(footage, 9, 80, 48), list(read_frames(GOLDEN / "prefix.mkv"))[-9:])


def test_only_the_end_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=30", "-frames:v", 300, "-g", 30, path)
    footage = open_footage(path)
    sources = _sources(path, footage.times, 17)
    assert sources[0][:2] == ["-ss", "9.416667"]  # half a frame before the 283rd of 300
    sought = subprocess.run([ffmpeg_exe(), *sources[0], "-f", "null", "-"], capture_output=True, text=True, check=True)
    assert re.findall(r"frame= *(\d+)", sought.stderr)[-1] == "17"


def test_a_tail_is_upright_and_scaled(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", "-frames:v", 9, tmp_path / "wide.mp4")
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "wide.mp4", "-c", "copy", tmp_path / "tall.mp4")
    wide = read_tail(open_footage(tmp_path / "wide.mp4"), 5, 96, 64)
    tall = read_tail(open_footage(tmp_path / "tall.mp4"), 5, 64, 96)
    assert np.abs(np.rot90(wide, axes=(1, 2)).astype(int) - tall).mean() < 2  # chroma is sampled the other way round
    half = read_tail(open_footage(tmp_path / "tall.mp4"), 5, 32, 48)
    assert half.shape == (5, 48, 32, 3)
    assert np.abs(tall.reshape(5, 48, 2, 32, 2, 3).mean(axis=(2, 4)) - half).mean() < 5
