"""From a meaning to tracks: where things start, how fast they go, and at which moment the clip begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .meaning import Meaning
from .motions import MOVES, Track, resizing, straight, swinging, zoomed
from .shapes import EXTENT

Floats = NDArray[np.float32]

HEIGHT: Final = 64
WIDTH: Final = 112
MID_MOTION_SHARE: Final = 1 / 3
"""Share of clips that begin at a random later moment of their film."""

_MIDDLE: Final = (WIDTH / 2, HEIGHT / 2)


@dataclass(frozen=True)
class Staging:
    """Tracks of a clip's objects; `settled` if the motion asked for is mostly over (fit only for
    continuation).
    """

    tracks: tuple[Track, ...]
    settled: bool


def stage(meaning: Meaning, frames: int, rng: np.random.Generator, begin: float | None = None) -> Staging:
    """Place a meaning's objects for `frames` frames; `begin` (frames) is drawn unless given."""
    times, span = _times(frames, rng, begin), float(max(frames - 1, 1))
    if meaning.kind == "two":
        return _stage_two(meaning, times, rng)
    shape = meaning.objects[0][0]
    if meaning.kind == "resize":
        track, settled = _resize(meaning.motion, times, rng)
    elif meaning.kind == "swing":
        track, settled = _swing(meaning.motion == "swing across", shape, times, rng), False
    elif meaning.kind == "zoom":
        track, settled = _zoom(meaning.camera == "in", times, rng)
    else:
        direction = {"left": "right", "right": "left"}[meaning.camera] if meaning.kind == "pan" else meaning.motion
        track, settled = _glide(direction, shape, times, span, rng)
    return Staging((track,), settled)


def _times(frames: int, rng: np.random.Generator, begin: float | None) -> Floats:
    """Return the clip's frame times; a third of the clips begin 1 to 120 frames into their film."""
    if begin is None:
        begin = float(rng.uniform(1, 120)) if rng.random() < MID_MOTION_SHARE else 0.0
    return (np.arange(frames, dtype=np.float32) + np.float32(begin)).astype(np.float32)


def _glide(direction: str, shape: str, times: Floats, span: float, rng: np.random.Generator) -> tuple[Track, bool]:
    """Move one object evenly; it has room for a whole window of 33 frames, and rests softly near the edge
    later.
    """
    radius = float(rng.uniform(12.5, 16.5))
    margin_x, margin_y = EXTENT[shape] * radius * 0.95, min(EXTENT[shape] * radius * 0.95, 20.0)
    step_x, step_y = MOVES.get(direction, (0.0, 0.0))
    speed = float(rng.uniform(1.1, 1.6)) if step_x else float(rng.uniform(0.7, 1.0))
    if direction == "still":
        margin_x, speed = EXTENT[shape] * radius, 0.0
    low_x, high_x = margin_x, WIDTH - margin_x
    low_y, high_y = margin_y, HEIGHT - margin_y
    need = speed * 32.0
    x = _start(step_x, low_x, high_x, need, rng)
    y = _start(step_y, low_y, high_y, need, rng)
    room = max(_room(x, step_x, low_x, high_x) + _room(y, step_y, low_y, high_y), 1e-3) + 3.0
    track = straight((x, y), direction, speed, room=room, times=times, radius=radius)
    moved = abs(track.x[-1] - track.x[0]) + abs(track.y[-1] - track.y[0])
    return track, bool(speed > 0 and moved < 0.6 * speed * span)


def _start(step: float, low: float, high: float, need: float, rng: np.random.Generator) -> float:
    """Draw a start in [low, high] that leaves `need` pixels ahead in the direction of `step`."""
    if step > 0:
        high = max(low, high - need)
    elif step < 0:
        low = min(high, low + need)
    return float(rng.uniform(low, high))


def _room(start: float, step: float, low: float, high: float) -> float:
    """Pixels from `start` to the bound ahead; 0 along an axis without motion."""
    if step == 0:
        return 0.0
    return high - start if step > 0 else start - low


def _swing(across: bool, shape: str, times: Floats, rng: np.random.Generator) -> Track:
    radius = float(rng.uniform(11.5, 15.0))
    extent = EXTENT[shape] * radius
    reach = float(rng.uniform(16, 24)) if across else float(rng.uniform(10, 13))
    x = (
        float(rng.uniform(extent + reach, WIDTH - extent - reach))
        if across
        else float(rng.uniform(extent, WIDTH - extent))
    )
    y = float(rng.uniform(26, 38)) if across else HEIGHT / 2
    period, phase = float(rng.uniform(52, 68)), float(rng.uniform(0, 68))
    return swinging((x, y), across, reach, period=period, times=times + np.float32(phase), radius=radius)


def _resize(motion: str, times: Floats, rng: np.random.Generator) -> tuple[Track, bool]:
    small, large = float(rng.uniform(7.0, 9.5)), float(rng.uniform(18.5, 21.5))
    rate = float(rng.uniform(0.26, 0.36))
    first, last = (small, large) if motion == "grow" else (large, small)
    centre = (float(rng.uniform(26, WIDTH - 26)), float(rng.uniform(29, 35)))
    track = resizing(centre, first, last, rate, times)
    return track, bool(abs(track.radius[-1] - track.radius[0]) < 5.0)


def _zoom(inwards: bool, times: Floats, rng: np.random.Generator) -> tuple[Track, bool]:
    """Zoom on an object that stands off the middle, so that it also moves away from it (or towards it)."""
    radius = float(rng.uniform(9.5, 11.5)) if inwards else float(rng.uniform(15.5, 18.5))
    side = float(rng.choice((-1.0, 1.0)))
    x = _MIDDLE[0] + side * (float(rng.uniform(10, 20)) if inwards else float(rng.uniform(16, 34)))
    still = straight((x, _MIDDLE[1] + float(rng.uniform(-5, 5))), "still", 0.0, room=1.0, times=times, radius=radius)
    log_rate = float(rng.uniform(0.014, 0.019)) * (1 if inwards else -1)
    track = zoomed(still, _MIDDLE, log_rate, 0.55, times)
    return track, bool(abs(np.log(track.radius[-1] / track.radius[0])) < 0.25)


def _stage_two(meaning: Meaning, times: Floats, rng: np.random.Generator) -> Staging:
    """Put two smaller objects side by side, first-named on the left, moving together."""
    step_x, step_y = MOVES.get(meaning.motion, (0.0, 0.0))
    speed = float(rng.uniform(0.6, 0.8)) if step_x or step_y else 0.0
    radii = rng.uniform(10.0, 13.0, 2)
    spread = float(rng.uniform(23, 27))
    x = _start(step_x, 13 + spread, WIDTH - 13 - spread, speed * 32, rng)
    y = _start(step_y, 15.0, HEIGHT - 15.0, speed * 32, rng)
    room = max(_room(x, step_x, 13 + spread, WIDTH - 13 - spread) + _room(y, step_y, 15.0, HEIGHT - 15.0), 1e-3) + 3.0
    tracks = tuple(
        straight((x + side * spread, y), meaning.motion, speed, room=room, times=times, radius=float(radius))
        for side, radius in zip((-1, 1), radii, strict=True)
    )
    moved = abs(tracks[0].x[-1] - tracks[0].x[0]) + abs(tracks[0].y[-1] - tracks[0].y[0])
    return Staging(tracks, bool(speed > 0 and moved < 0.6 * speed * max(len(times) - 1, 1)))
