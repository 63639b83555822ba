"""Lengths of shots: they make what was asked for, and fill windows where they can."""

from __future__ import annotations

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.order.enhance.storyboard import WindowGrid, shot_lengths


@pytest.mark.parametrize(
    ("fresh", "frames", "lengths"),
    [
        ("100", None, [97, 80, 80]),
        ("101", None, [97, 80, 97]),
        ("100", 257, [97, 80, 80]),
        ("100", 257 + 160, [177, 160, 80]),
        ("100100", 720, [177, 160, 80, 97, 80, 126]),
        ("10", 20, [8, 12]),
        ("1", 33, [33]),
    ],
)
def test_lengths(fresh: str, frames: int | None, lengths: list[int]) -> None:
    assert shot_lengths([character == "1" for character in fresh], WindowGrid(), frames) == lengths


def test_the_sum_is_what_was_asked_for() -> None:
    grid = WindowGrid(base=33, overlap=17)
    for frames in range(12, 400):
        assert sum(shot_lengths([True, False, True], grid, frames)) == frames


def test_too_short_a_film_is_refused() -> None:
    with pytest.raises(UsageError, match="11 frames are too few for 3 shots"):
        shot_lengths([True, False, False], WindowGrid(), 11)
