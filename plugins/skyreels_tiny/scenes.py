"""Paper-cut scenes: a swan, a boat or a balloon, on a lake or over hills, at four times of day."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .meaning import Meaning
from .motions import Track
from .palette import Rgb
from .shapes import ellipse_mask, pixel_grid, polygon_mask, stroke_mask
from .staging import HEIGHT, WIDTH, Staging

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SKIES: Final[dict[str, tuple[Rgb, Rgb]]] = {
    "dawn": ((0.55, 0.60, 0.85), (0.99, 0.80, 0.66)),
    "day": ((0.36, 0.66, 0.96), (0.82, 0.93, 0.99)),
    "dusk": ((0.36, 0.22, 0.50), (0.98, 0.52, 0.28)),
    "night": ((0.03, 0.04, 0.14), (0.12, 0.16, 0.36)),
}
"""Top and horizon colour of the sky."""

LIGHT: Final = {"dawn": 0.85, "day": 1.0, "dusk": 0.72, "night": 0.5}
HORIZON: Final = 36.0
"""Row of the waterline or of the hills' feet."""

_ORB: Final[dict[str, tuple[float, float, float, Rgb]]] = {
    "dawn": (24.0, 30.0, 7.0, (1.0, 0.93, 0.75)),
    "day": (90.0, 12.0, 6.5, (1.0, 0.97, 0.70)),
    "dusk": (88.0, 30.0, 8.0, (1.0, 0.72, 0.35)),
    "night": (88.0, 13.0, 6.0, (0.93, 0.94, 0.86)),
}
"""Sun or moon: x, y, radius and colour; the place differs by time of day, as a reader would expect."""


def stage_scene(meaning: Meaning, frames: int, rng: np.random.Generator) -> Staging:
    """Let the subject drift left or right at 0.5 to 0.8 pixels a frame, bobbing a little."""
    sign = {"left": -1.0, "right": 1.0, "still": 0.0}[meaning.motion]
    begin = float(rng.uniform(0, 60)) if rng.random() < 1 / 3 else 0.0
    times = np.arange(frames, dtype=np.float32)
    speed = float(rng.uniform(0.5, 0.8)) * sign
    low, high = 26.0 + max(-speed, 0) * 32, WIDTH - 26.0 - max(speed, 0) * 32
    x = float(rng.uniform(low, high)) + speed * times
    base = 22.0 if meaning.scene[0] == "balloon" else 44.0
    bob = np.sin((times + begin) / 9.0) * 0.7
    y = (base + float(rng.uniform(-3, 3)) + bob).astype(np.float32)
    return Staging((Track(x.astype(np.float32), y, np.full(frames, sign, np.float32)),), False)


def render_scene(meaning: Meaning, track: Track, hills_seed: int) -> tuple[Floats, Flags]:
    """Render (f, 64, 112, 3) in 0..1, sky, orb, hills, ground, then the subject and its reflection; and
    where it is.
    """
    subject, place, daytime = meaning.scene
    y, x = pixel_grid(HEIGHT, WIDTH)
    still = _backdrop(place, daytime, y, x, hills_seed)
    frames = np.repeat(still, len(track.x), axis=0)
    facing = np.where(track.radius < 0, -1.0, 1.0).astype(np.float32)[:, None, None]
    dy, dx = y - track.y[:, None, None], (x - track.x[:, None, None]) * facing
    if place == "lake" and subject != "balloon":
        _paint(frames, subject, -(dy - 7.0) * 1.25 + 7.0, dx, light=LIGHT[daytime], opacity=0.35)
    _paint(frames, subject, dy, dx, light=LIGHT[daytime], opacity=1.0)
    return frames, np.abs(frames - still).sum(-1) > 0.02


def _backdrop(place: str, daytime: str, y: Floats, x: Floats, hills_seed: int) -> Floats:
    """Paint sky, sun or moon, two ranges of hills and the ground: (1, h, w, 3)."""
    top, low = (np.array(rgb, np.float32) for rgb in SKIES[daytime])
    ramp = np.clip(y / HORIZON, 0, 1)[..., None]
    picture = np.broadcast_to(top + (low - top) * ramp, (1, HEIGHT, WIDTH, 3)).copy()
    orb_x, orb_y, radius, orb = _ORB[daytime]
    _blend(picture, ellipse_mask(y - orb_y, x - orb_x, radius, radius), orb, 1.0)
    rng, light = np.random.default_rng(hills_seed), LIGHT[daytime]
    for height, green in ((11.0, 0.42), (6.0, 0.32)):
        phase, wave = rng.uniform(0, 6.28), rng.uniform(14, 20)
        crest = HORIZON - height * (0.6 + 0.4 * np.sin(x / np.float32(wave) + np.float32(phase)))
        _blend(picture, np.clip(y - crest + 0.5, 0, 1), (0.22 * light, green * 1.2 * light, 0.34 * light), 1.0)
    _blend(picture, np.clip(y - HORIZON + 0.5, 0, 1), _ground(place, daytime), 1.0)
    return picture


def _ground(place: str, daytime: str) -> Rgb:
    """Colour of the meadow, or of water as a darker mirror of the sky's horizon."""
    light = LIGHT[daytime]
    if place == "hills":
        return (0.36 * light, 0.66 * light, 0.28 * light)
    low = SKIES[daytime][1]
    return (low[0] * 0.62, low[1] * 0.70, low[2] * 0.80 + 0.06)


def _paint(frames: Floats, subject: str, dy: Floats, dx: Floats, *, light: float, opacity: float) -> None:
    """Paint a subject whose centre is at offset 0, heading to +x."""
    painters = {"swan": _swan, "boat": _boat, "balloon": _balloon}
    for mask, rgb in painters[subject](dy, dx):
        lit = (rgb[0] * (0.3 + 0.7 * light), rgb[1] * (0.3 + 0.7 * light), rgb[2] * (0.35 + 0.65 * light))
        _blend(frames, mask, lit, opacity)


def _swan(dy: Floats, dx: Floats) -> list[tuple[Floats, Rgb]]:
    white: Rgb = (0.98, 0.98, 0.99)
    neck = [(9.0, 3.0), (13.5, -3.0), (11.0, -9.0), (13.0, -14.0), (17.0, -14.0)]
    return [
        (ellipse_mask(dy - 2.0, dx + 2.0, 6.5, 14.0), white),
        (polygon_mask(dy, dx, [(-20.0, -5.0), (-6.0, -3.0), (-8.0, 5.0)]), white),
        (stroke_mask(dy, dx, neck, 2.6), white),
        (polygon_mask(dy, dx, [(18.0, -16.0), (24.0, -12.5), (18.0, -11.5)]), (0.96, 0.55, 0.12)),
    ]


def _boat(dy: Floats, dx: Floats) -> list[tuple[Floats, Rgb]]:
    return [
        (polygon_mask(dy, dx, [(-17.0, 1.0), (19.0, 1.0), (12.0, 8.5), (-12.0, 8.5)]), (0.62, 0.26, 0.16)),
        (polygon_mask(dy, dx, [(1.5, -22.0), (15.0, -1.5), (1.5, -1.5)]), (0.97, 0.95, 0.88)),
        (polygon_mask(dy, dx, [(-1.5, -18.0), (-1.5, -1.5), (-12.0, -1.5)]), (0.92, 0.86, 0.76)),
    ]


def _balloon(dy: Floats, dx: Floats) -> list[tuple[Floats, Rgb]]:
    return [
        (polygon_mask(dy, dx, [(-8.0, 5.0), (8.0, 5.0), (2.5, 15.0), (-2.5, 15.0)]), (0.80, 0.24, 0.18)),
        (ellipse_mask(dy + 4.0, dx, 14.0, 12.5), (0.90, 0.22, 0.18)),
        (ellipse_mask(dy + 4.0, dx, 14.0, 5.0), (0.98, 0.84, 0.30)),
        (polygon_mask(dy, dx, [(-3.5, 16.0), (3.5, 16.0), (3.5, 21.0), (-3.5, 21.0)]), (0.45, 0.28, 0.15)),
    ]


def _blend(picture: Floats, mask: Floats, rgb: Rgb, opacity: float) -> None:
    """Lay `rgb` over (f, h, w, 3) in place where `mask` (f, h, w) covers."""
    weight = (mask * np.float32(opacity))[..., None].astype(np.float32)
    picture += weight * (np.array(rgb, np.float32) - picture)
