"""Pixel frames and latent frames: one latent for the first frame, one for every `stride` frames after it."""

from __future__ import annotations

import sys

from skyreels_cli.errors import UsageError


def latent_frames(frames: int, stride: int) -> int:
    """Latent frames that hold at least `frames` pixel frames."""
    return -(-(frames - 1) // stride) + 1


def pixel_frames(latents: int, stride: int) -> int:
    """Pixel frames that `latents` latent frames decode to."""
    return stride * (latents - 1) + 1


def whole_latents(option: str, frames: int, stride: int, least: int = 1, most: int = sys.maxsize) -> int:
    """Latent frames of a length in pixel frames, which must fill them exactly.

    Raises UsageError `plan-<option>` naming the nearest lengths between `least` and `most` that do. The reference
    rounds silently, and the film comes out short (tests/golden/REFERENCE.md §5, defect 3).
    """
    latents = latent_frames(frames, stride)
    around = pixel_frames(latents - 1, stride), pixel_frames(latents, stride)
    nearest = sorted({min(max(length, least), most) for length in around})
    if frames in nearest:
        return latents
    bounds = f"at least {least}" if most == sys.maxsize else f"from {least} to {most}"
    raise UsageError(
        f"plan-{option}",
        f"--{option} must be a multiple of {stride} plus 1, {bounds}, not {frames}; "
        f"the nearest: {' or '.join(map(str, nearest))}",
        f"--{option} {min(nearest, key=lambda length: abs(length - frames))}",
    )
