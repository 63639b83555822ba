"""The toy world: deterministic clips (one seed, one clip) with the meaning that describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .meaning import Meaning, draw_meaning
from .palette import BACKGROUND_RGB
from .scenes import render_scene, stage_scene
from .shapes import pixel_grid, shape_mask
from .staging import HEIGHT, WIDTH, Staging, stage

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

FPS: Final = 24
WINDOW_FRAMES: Final = 33
"""Frames of a training clip: 9 latent frames."""


@dataclass(frozen=True)
class Clip:
    """One rendered clip.

    `frames` (f, 64, 112, 3) uint8; `present` (f, 64, 112) bool, where an object is; `settled` if it
    only fits a continuation.
    """

    meaning: Meaning
    frames: Bytes
    present: Flags
    settled: bool


def make_clip(
    seed: int,
    frames: int = WINDOW_FRAMES,
    kind: str | None = None,
    meaning: Meaning | None = None,
    begin: float | None = None,
) -> Clip:
    """Render the clip of `seed`; `kind`, `meaning` or the moment `begin` may be fixed."""
    rng = np.random.default_rng(seed)
    meaning = meaning or draw_meaning(rng, kind)
    if meaning.kind == "scene":
        staging = stage_scene(meaning, frames, rng)
        picture, present = render_scene(meaning, staging.tracks[0], int(rng.integers(2**31)))
    else:
        staging = stage(meaning, frames, rng, begin)
        picture, present = render(meaning, staging)
    return Clip(meaning, to_bytes(picture), present, staging.settled)


def render(meaning: Meaning, staging: Staging) -> tuple[Floats, Flags]:
    """Paint the objects of `staging` over the background: (f, 64, 112, 3) in 0..1, and where they are."""
    y, x = pixel_grid(HEIGHT, WIDTH)
    picture = np.repeat(_background(meaning.background, y), len(staging.tracks[0].x), axis=0)
    present = np.zeros(picture.shape[:3], bool)
    for (shape, colour), track in zip(meaning.objects, staging.tracks, strict=True):
        dy, dx = y - track.y[:, None, None], x - track.x[:, None, None]
        weight = shape_mask(shape, dy, dx, track.radius[:, None, None])[..., None]
        picture += weight * (np.array(BACKGROUND_RGB[colour], np.float32) - picture)
        present |= weight[..., 0] > 0
    return picture, present


def to_bytes(picture: Floats) -> Bytes:
    """Round 0..1 to uint8."""
    return (picture * 255.0 + 0.5).astype(np.uint8)


def _background(names: tuple[str, ...], y: Floats) -> Floats:
    """Return one plain colour, or a vertical ramp from the first to the second: (1, h, w, 3)."""
    top, low = (np.array(BACKGROUND_RGB[name], np.float32) for name in (names[0], names[-1]))
    ramp = ((y - 0.5) / (HEIGHT - 1))[..., None]
    return np.broadcast_to(top + (low - top) * ramp, (1, HEIGHT, WIDTH, 3)).astype(np.float32).copy()
