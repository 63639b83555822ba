"""Drift of films whose every figure is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from skyreels_cli.film.drift import measure_drift


def grey(*levels: int) -> list[np.ndarray]:
    return [np.full((10, 14, 3), level, np.uint8) for level in levels]


def test_a_film_that_brightens_by_one_a_frame_and_by_eleven_at_its_join() -> None:
    levels = [*range(100, 112), *range(122, 134)]
    drift = measure_drift(grey(*levels), [0, 12])
    assert [look.luma for look in drift.looks] == pytest.approx([105.5 / 255, 127.5 / 255], abs=1e-6)
    assert drift.steps == pytest.approx([11.0], abs=0.02)
    assert drift.ends == pytest.approx({"luma": 22 / 255, "saturation": 0, "contrast": 0, "sharpness": 0}, abs=1e-6)
    differences = [levels[at + 5] - levels[at] for at in range(len(levels) - 5)]
    assert drift.likeness[5] == pytest.approx(1 - np.mean(differences) / 255)
    assert set(drift.likeness) == {2, 5, 10, 20}


def test_a_still_film_has_no_seams() -> None:
    assert measure_drift(grey(*[7] * 30), [0, 10, 20]).steps == pytest.approx([1.0, 1.0])


def test_one_frame_is_a_film() -> None:
    data = measure_drift(grey(255), [0]).as_data()
    assert data["likeness"] == {}
    assert [part["luma"] for part in data["parts"]] == pytest.approx([1.0])
