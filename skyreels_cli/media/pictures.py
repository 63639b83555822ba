"""Pictures of a film: one frame, a contact sheet, and a small moving picture for a chat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from shlex import quote

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from skyreels_cli.errors import UsageError
from skyreels_cli.media.reader import Frame, as_pictures, decoded
from skyreels_cli.media.video import Video

STILL = (".png", ".jpg", ".jpeg", ".webp")
MOVING = (".gif", ".webp")
COLUMNS, THUMBNAIL, MARGIN = 4, 320, 8
"""A contact sheet: pictures in a row, the longer side of each, and the space between them, in pixels."""
MOVING_SIDE, MOVING_RATE, MOVING_FRAMES = 480, 16, 960
"""A moving picture for chats: its longer side in pixels, frames per second and frames, each at most."""


def check_picture(path: Path, suffixes: Sequence[str]) -> None:
    """Raise `picture-suffix` unless the name says one of these formats."""
    if path.suffix.lower() not in suffixes:
        message = f"{path.name}: such a picture is written as {', '.join(suffixes)}"
        raise UsageError("picture-suffix", message, f"-o {quote(str(path.with_suffix(suffixes[0])))}")


def save_picture(frame: Frame, path: Path) -> None:
    """Write one RGB picture (height, width, 3); the format follows the suffix."""
    Image.fromarray(frame).save(path, quality=95, lossless=True)


def contact_sheet(frames: Iterator[Frame], captions: Sequence[str]) -> Frame:
    """One picture of many, row by row, each with a line of text above it."""
    font = ImageFont.load_default(size=14)
    sheet, cell, line = Image.new("RGB", (1, 1)), (0, 0), 20
    for index, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
        picture = ImageOps.contain(Image.fromarray(frame), (THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        columns = min(COLUMNS, len(captions))
        if index == 0:
            cell = picture.width + MARGIN, picture.height + line + MARGIN
            rows = math.ceil(len(captions) / columns)
            sheet = Image.new("RGB", (columns * cell[0] + MARGIN, rows * cell[1] + MARGIN), "white")
        left, top = MARGIN + index % columns * cell[0], MARGIN + index // columns * cell[1]
        ImageDraw.Draw(sheet).text((left, top), caption, fill="black", font=font)
        sheet.paste(picture, (left, top + line))
    return np.array(sheet)


def write_moving(video: Video, path: Path) -> int:
    """Write a GIF or WebP of all of a video, small and without end; returns how many frames it has.

    Every k-th frame is kept, each at its own time to the format's tick (10 ms in GIF).
    """
    step = math.ceil(video.fps / MOVING_RATE)
    if video.frames > step * MOVING_FRAMES:
        message = f"{video.path} is longer than the minute that goes into a moving picture"
        raise UsageError("picture-too-long", message, f"--sheet -o {quote(str(path.with_suffix('.png')))}")
    scale = min(1.0, MOVING_SIDE / max(video.shown_size))
    shown = max(2, round(video.shown_size[0] * scale)), max(2, round(video.shown_size[1] * scale))
    kept = (frame for number, frame in enumerate(decoded(video.path)) if number % step == 0)
    pictures = [Image.fromarray(frame) for frame in as_pictures(video, kept, shown)]
    tick = 10 if path.suffix.lower() == ".gif" else 1
    times = [round(1000 * number * step / video.fps / tick) * tick for number in range(len(pictures) + 1)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=gaps, loop=0, quality=80)
    return len(pictures)
