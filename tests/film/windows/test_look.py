"""The four numbers of a look against pictures whose values are known by construction."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.film.events import WindowDone
from skyreels_cli.film.windows.look import Look, LookMeter


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


def test_windows_tell_their_drift_and_the_sidecar_keeps_it(film: Any, frames_of: Any, tmp_path: Path) -> None:
    done = [event for event in film() if isinstance(event, WindowDone)]
    assert done[0].drift == dict.fromkeys(done[0].look, 0.0)
    frames = frames_of(tmp_path / "film.mkv")
    last = look_of(*frames[13 + 3 :: 4])  # the last of each four frames that leave the VAE together
    assert done[1].look == pytest.approx(asdict(last), abs=1e-6)
    assert done[1].drift["luma"] == pytest.approx(last.luma - done[0].look["luma"], abs=1e-6)
    sidecar = json.loads((tmp_path / "film.mkv.json").read_text())
    assert sidecar["looks"] == [event.look for event in done]


def test_colour_match_holds_the_first_windows_colours(film: Any, frames_of: Any, tmp_path: Path) -> None:
    plain = frames_of(_made(film, tmp_path / "plain.mkv"))
    matched = frames_of(_made(film, tmp_path / "matched.mkv", color_match="anchor"))
    assert np.array_equal(plain[:13], matched[:13])
    distance = [np.abs(part[17:].mean((0, 1, 2)) - part[:13].mean((0, 1, 2))).max() for part in (plain, matched)]
    assert distance[1] < 0.5 * distance[0]
    events = film(tmp_path / "again.mkv", {"checkpoint_seconds": 0}, color_match="anchor")
    next(event for event in events if isinstance(event, WindowDone))
    events.close()
    assert np.array_equal(frames_of(_made(film, tmp_path / "again.mkv", color_match="anchor")), matched)


def _made(film: Any, output: Path, **changes: Any) -> Path:
    list(film(output, **changes))
    return output
