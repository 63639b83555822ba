"""Curves as a picture, one under the other with a common axis; drawn by Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skyreels_cli.media.reader import Frame

WIDTH, HEIGHT, MARGIN, LINE = 960, 150, 16, 22
"""A curve's size, the space around it, and the height of a line of text, in pixels."""
INK, GRID, SHADES = "#222222", "#dddddd", ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e")


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Curve(NamedTuple):
    """What it shows, its values from left to right by name, and the least span of values that is drawn large."""

    title: str
    values: dict[str, Sequence[float]]
    least_span: float = 0.0


def plot(heading: str, curves: Sequence[Curve], axis: tuple[str, str]) -> Frame:
    """An RGB picture (height, width, 3); `axis` says what is at the left and at the right end."""
    whole = Image.new("RGB", (WIDTH + 2 * MARGIN, LINE * 2 + MARGIN * 2 + len(curves) * (HEIGHT + 2 * LINE)), "white")
    draw = ImageDraw.Draw(whole)
    font = ImageFont.load_default(size=14)
    draw.text((MARGIN, MARGIN), heading, fill=INK, font=font)
    top = MARGIN + LINE
    for curve in curves:
        _draw(draw, font, curve, top)
        top += HEIGHT + 2 * LINE
    draw.text((MARGIN, top), axis[0], fill=INK, font=font)
    draw.text((MARGIN + WIDTH, top), axis[1], fill=INK, font=font, anchor="ra")
    return np.array(whole)


def _draw(
    draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, curve: Curve, top: int
) -> None:
    """One frame with its curves, the values of its upper and lower edge, and a name in each curve's colour."""
    known = [value for values in curve.values.values() for value in values]
    low, high = min(known, default=0.0), max(known, default=1.0)
    middle, span = (low + high) / 2, max(high - low, curve.least_span, 1e-9)
    low, high = middle - span / 2, middle + span / 2
    box = (MARGIN, top + LINE, MARGIN + WIDTH, top + LINE + HEIGHT)
    draw.rectangle(box, outline=GRID)
    draw.text((MARGIN, top + 2), f"{curve.title}   {low:.3g} … {high:.3g}", fill=INK, font=font)
    left = MARGIN + WIDTH
    for number, (name, values) in reversed([*enumerate(curve.values.items())]):
        shade = SHADES[number % len(SHADES)]
        if name:
            draw.text((left, top + 2), name, fill=shade, font=font, anchor="ra")
            left -= round(draw.textlength(name, font=font)) + MARGIN
        across = WIDTH / max(1, len(values) - 1)
        points = [
            (box[0] + place * across, box[3] - (value - low) / span * HEIGHT) for place, value in enumerate(values)
        ]
        if len(points) > 1:
            draw.line(points, fill=shade, width=2)
        elif points:
            draw.ellipse((points[0][0] - 3, points[0][1] - 3, points[0][0] + 3, points[0][1] + 3), fill=shade)
