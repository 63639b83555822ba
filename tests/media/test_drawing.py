"""Numbers as characters."""

from __future__ import annotations

import numpy as np
import pytest

from skyreels_cli.media.drawing import bar, curve, fit, half_blocks, noise_wave, shades, windows_strip


@pytest.mark.parametrize(
    ("share", "done", "rest"), [(0, "", "────"), (0.5, "━━", "──"), (0.6, "━━╸", "─"), (1, "━━━━", ""), (7, "━━━━", "")]
)
def test_a_bar_is_exact_to_half_a_cell(share: float, done: str, rest: str) -> None:
    assert bar(share, 4) == (done, rest)


def test_a_curve_lies_between_its_lowest_and_its_highest_value() -> None:
    assert curve([9, 0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert curve([1, 1], 8) == "▁▁"
    assert curve([25, 75], 8, 0, 100) == "▃▆"
    assert curve([], 8) == ""


def test_the_wave_has_a_column_per_latent_frame_or_per_few_of_them() -> None:
    assert noise_wave([0, 0.5, 1], 3, 1) == ["▁▄█"]
    assert noise_wave([0, 0.5, 1], 9, 2) == ["      ███", "▁▁▁██████"]
    assert noise_wave([0, 1, 1, 1], 2, 1) == ["▄█"]
    assert noise_wave([], 10, 1) == [""]


def test_windows_are_cells_with_gaps_while_there_is_room() -> None:
    assert windows_strip(3, 1.5, 11) == ("━━━ ", "━╸─ ", "───")
    assert windows_strip(3, 3, 11) == ("━━━ ━━━ ━━━ ", "", "")
    assert windows_strip(100, 50, 10) == ("━━━━━", "╸", "────")


@pytest.mark.parametrize(("shape", "cells"), [((540, 960), (40, 11)), ((960, 540), (14, 12)), ((100, 100), (24, 12))])
def test_a_picture_keeps_its_aspect(shape: tuple[int, int], cells: tuple[int, int]) -> None:
    assert fit(np.zeros((*shape, 3), np.uint8), 40, 12) == cells


def test_half_blocks_hold_two_pixels_each() -> None:
    frame = np.array([[[255, 0, 0]], [[0, 0, 255]]], np.uint8)
    ((cell,),) = half_blocks(frame, 1, 1)
    assert cell.text == "▀"
    assert cell.style
    assert (cell.style.color.triplet.hex, cell.style.bgcolor.triplet.hex) == ("#ff0000", "#0000ff")  # type: ignore[union-attr]


def test_shades_say_light_and_dark_without_colour() -> None:
    frame = np.array([[[0] * 3, [127] * 3, [255] * 3]] * 2, np.uint8)
    assert [segment.text for (segment,) in shades(frame, 3, 1)] == [" =@"]
