"""Bars, curves, noise levels and pictures as characters; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from skyreels_cli.media.reader import Frame

EIGHTHS = "▁▂▃▄▅▆▇█"
# By share of ink, for terminals in which no colour is wanted.
SHADES = " .:-=+*#%@"
GAP = 8
"""Pixels between frames that lie side by side."""


def bar(share: float, width: int) -> tuple[str, str]:
    """A line of `width` cells: what is done (heavy, exact to half a cell) and the rest (light)."""
    halves = round(max(0.0, min(share, 1.0)) * width * 2)
    done = "━" * (halves // 2) + "╸" * (halves % 2)
    return done, "─" * (width - len(done))


def curve(values: Sequence[float], width: int, lowest: float | None = None, highest: float | None = None) -> str:
    """The latest `width` values as a line of blocks, between the lowest and the highest of them if not said."""
    latest = values[-width:] if width > 0 else []
    if not latest:
        return ""
    low = min(latest) if lowest is None else lowest
    high = max(latest) if highest is None else highest
    span = high - low or 1.0
    return "".join(EIGHTHS[round(max(0.0, min((value - low) / span, 1.0)) * 7)] for value in latest)


def noise_wave(noise: Sequence[float], width: int, rows: int) -> list[str]:
    """A column per latent frame, or per few of them where they are too many: high is noise, low is picture."""
    per_column = -(-len(noise) // max(width, 1)) or 1
    groups = [noise[start : start + per_column] for start in range(0, len(noise), per_column)]
    levels = [sum(group) / len(group) for group in groups]
    wide = max(1, min(3, width // max(len(levels), 1)))
    return ["".join(_slice(level, rows, row) * wide for level in levels) for row in range(rows)]


def _slice(level: float, rows: int, row: int) -> str:
    """The part of a column that is in one row, row 0 on top; the lowest one always shows something."""
    eighths = round(level * rows * 8) - (rows - 1 - row) * 8
    if eighths <= 0:
        return EIGHTHS[0] if row == rows - 1 else " "
    return EIGHTHS[min(eighths, 8) - 1]


def windows_strip(windows: int, done: float, width: int) -> tuple[str, str, str]:
    """A film's windows as three runs of cells: done, at hand, to come; `done` counts windows, with a fraction.

    Each window is a few cells and a gap while there is room; else a cell stands for several windows.
    """
    now = min(int(done), windows)
    each = min(8, (width + 1) // max(windows, 1) - 1)
    if each < 1:
        full = int(done / max(windows, 1) * width)
        return "━" * full, "╸" if full < width else "", "─" * (width - full - 1)
    at_hand = "".join(bar(done - now, each)) + " " if now < windows else ""
    return ("━" * each + " ") * now, at_hand, " ".join(["─" * each] * (windows - now - 1))


def fit(frame: Frame, columns: int, rows: int) -> tuple[int, int]:
    """Cells (columns, rows) in which an RGB frame (h, w, 3) fits undistorted, a cell being twice as high as wide."""
    height, width = frame.shape[:2]
    scale = min(columns / width, 2 * rows / height)
    return max(1, round(width * scale)), max(1, round(height * scale / 2))


def tiled(frames: Sequence[Frame], columns: int) -> Frame:
    """Frames of one size side by side, row after row, with a black line between them."""
    height, width = frames[0].shape[:2]
    rows = -(-len(frames) // columns)
    sheet = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), np.uint8)
    for place, frame in enumerate(frames):
        top, left = place // columns * (height + GAP), place % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = frame
    return sheet


def half_blocks(frame: Frame, columns: int, rows: int) -> list[list[Segment]]:
    """The picture in `▀`, row by row: two pixels per cell, the upper one in the foreground colour."""
    pixels = np.asarray(Image.fromarray(frame).resize((columns, rows * 2), Image.Resampling.BOX)).tolist()
    pairs = (zip(pixels[2 * row], pixels[2 * row + 1], strict=True) for row in range(rows))
    return [[Segment("▀", _style(upper, lower)) for upper, lower in pair] for pair in pairs]


def shades(frame: Frame, columns: int, rows: int) -> list[list[Segment]]:
    """The picture in characters of more or less ink, row by row, without any colour."""
    grey = np.asarray(Image.fromarray(frame).convert("L").resize((columns, rows), Image.Resampling.BOX))
    lines = ("".join(SHADES[int(value) * len(SHADES) // 256] for value in row) for row in grey)
    return [[Segment(line)] for line in lines]


def _style(upper: Sequence[int], lower: Sequence[int]) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
