"""The four numbers of a look against pictures whose values are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from skyreels_cli.film.look import Look, LookMeter


def look_of(*frames: np.ndarray) -> Look:
    meter = LookMeter()
    for frame in frames:
        meter.add(frame)
    return meter.look()


def test_plain_colours() -> None:
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    found = look_of(red)
    assert (found.luma, found.saturation) == pytest.approx((0.2126, 1.0), abs=1e-6)
    grey = np.full((8, 8, 3), 51, np.uint8)
    found = look_of(grey)
    assert (found.luma, found.saturation) == pytest.approx((0.2, 0.0), abs=1e-6)
    assert (found.contrast, found.sharpness) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_checkerboard_has_known_contrast_and_sharpness() -> None:
    board = (np.indices((10, 10)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = look_of(np.repeat(board[:, :, None], 3, axis=2))
    assert found.contrast == pytest.approx(0.5, abs=1e-6)
    assert found.sharpness == pytest.approx(4.0, abs=1e-5)


def test_mean_over_frames_and_difference() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert look_of(black, white).luma == pytest.approx(0.5, abs=1e-6)
    drift = look_of(white).against(look_of(black))
    assert drift["luma"] == pytest.approx(1.0, abs=1e-6)
    assert drift["saturation"] == pytest.approx(0.0, abs=1e-6)
