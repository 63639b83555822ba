"""Disk a film will take: the finished video, and what lies beside it while it is made."""

from __future__ import annotations

from collections.abc import Sequence

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.plan import Estimate, Window
from skyreels_cli.recipe.schema import Recipe

# Bits per pixel at quality 7, assumed on the safe side: ffmpeg's testsrc2 takes 0.19 with x264 at crf 16.
# For ffv1 raw RGB is the bound; films of an untrained model come to 21.
BITS_PER_PIXEL = {"h264": 0.5, "h265": 0.35, "av1": 0.35}
# A step of quality is 3 to 4 of the rate factor, and 6 of that halve the bits.
QUALITY_DOUBLES_EVERY = 2.0
RAW_BITS = 24.0


def disk_estimate(recipe: Recipe, facts: ModelFacts, windows: Sequence[Window]) -> Estimate:
    """Bytes needed while a film is made: the video twice (pieces, joined) and the state between windows."""
    video = recipe.num_frames * recipe.width * recipe.height * bits_per_pixel(recipe) / 8
    value = 2 * video + carried_bytes(recipe, facts, windows)
    basis = (
        f"{recipe.num_frames} frames of {recipe.codec} at {bits_per_pixel(recipe):.2g} bits per pixel "
        "(assumed), twice: as pieces and joined; and the state between windows"
    )
    return Estimate(value, "B", basis)


def bits_per_pixel(recipe: Recipe) -> float:
    """Bits that a pixel of the finished video is taken to need."""
    if recipe.codec == "ffv1":
        return RAW_BITS
    doublings = (recipe.quality - 7) / QUALITY_DOUBLES_EVERY
    return min(BITS_PER_PIXEL[recipe.codec] * float(2**doublings), RAW_BITS)


def carried_bytes(recipe: Recipe, facts: ModelFacts, windows: Sequence[Window]) -> int:
    """Frames and latents kept for the next window, in float32."""
    frames = max(window.drop_frames for window in windows)
    latents = max(window.latents for window in windows) * int(facts.vae.config.get("z_dim", 16))
    pixels = recipe.width * recipe.height
    return 4 * (3 * frames * pixels + latents * pixels // facts.spatial_stride**2)
