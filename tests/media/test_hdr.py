"""Light of PQ and HLG in a picture: what is as bright as paper or darker keeps its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.media.hdr import tone_mapped
from skyreels_cli.media.reader import read_frame
from skyreels_cli.media.video import open_video
from tests.second_reader import ffmpeg

# Signal of a grey, by the tables of ITU-R BT.2408: light in nits, PQ, HLG (on a display of 1,000 nits).
GREYS = [(203, 0.5807, 0.75), (26, 0.38, 0.38)]


def srgb(light: float) -> float:
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(("nits", "pq", "hlg"), GREYS)
def test_greys(nits: float, pq: float, hlg: float) -> None:
    light = nits / 203
    expected = srgb(0.75 if light == 1 else light)  # paper itself lies above the knee
    for transfer, signal in (("PQ", pq), ("HLG", hlg)):
        pixel = np.full((1, 1, 3), round(65535 * signal), np.uint16)
        assert np.abs(tone_mapped(pixel, transfer).astype(int) - expected).max() <= 3


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_brighter_is_brighter_and_black_is_black(transfer: str) -> None:
    ramp = np.repeat(np.linspace(0, 65535, 256).astype(np.uint16)[None, :, None], 3, axis=2)
    levels = tone_mapped(ramp, transfer)[0, :, 0].astype(int)
    assert levels[0] == 0
    assert levels[-1] > 245
    assert (np.diff(levels) >= 0).all()


def test_a_frame_of_a_film_in_hdr(tmp_path: Path) -> None:
    tags = "format=yuv420p10le,setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"
    grey = round(255 * 0.5807)
    source = f"color=c=0x{grey:02x}{grey:02x}{grey:02x}:s=64x48:r=25"
    ffmpeg("-f", "lavfi", "-i", source, "-vf", tags, "-frames:v", 5, "-c:v", "libx264", "-crf", 5, tmp_path / "a.mp4")
    frame = read_frame(open_video(tmp_path / "a.mp4"), 2)
    assert np.abs(frame.astype(int) - srgb(0.75)).max() <= 4
