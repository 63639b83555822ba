"""Disk space that a film needs: for the finished video, and for its work folder while it is rendered."""

from __future__ import annotations

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.plan import Estimate, Windows
from skyreels_cli.recipe.schema import Recipe

# Bits per pixel at quality 7, assumed on the safe side: ffmpeg's testsrc2 takes 0.19 with x264 at crf 16.
# For ffv1 raw RGB is the bound; films of an untrained model come to 21.
BITS_PER_PIXEL = {"h264": 0.5, "h265": 0.35, "av1": 0.35}
# A step of quality is 3 to 4 of the rate factor, and 6 of that halve the bits.
QUALITY_DOUBLES_EVERY = 2.0
RAW_BITS = 24.0

# A frame depends on so many latent frames before it in Wan's decoder (`temporal_reach` in skyreels_cli/model/vae.py).
DECODER_REACH = 38


def disk_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows) -> Estimate:
    """Bytes on disk while these windows are rendered: the video three times (pieces, preview, film), and state."""
    frames = windows.total(lambda window: window.new_frames)
    video = frames * recipe.width * recipe.height * bits_per_pixel(recipe) / 8
    value = 3 * video + state_bytes(recipe, facts, windows)
    scope = "per window: " if recipe.num_frames is None else ""
    basis = (
        f"{scope}{frames} frames of {recipe.codec} at {bits_per_pixel(recipe):.2g} bits per pixel (assumed), as "
        "pieces, preview and film; and what windows leave to the next"
    )
    return Estimate(value, "B", basis)


def bits_per_pixel(recipe: Recipe) -> float:
    """Bits per pixel that the finished video is assumed to need."""
    if recipe.codec == "ffv1":
        return RAW_BITS
    doublings = (recipe.quality - 7) / QUALITY_DOUBLES_EVERY
    return min(BITS_PER_PIXEL[recipe.codec] * float(2**doublings), RAW_BITS)


def state_bytes(recipe: Recipe, facts: ModelFacts, windows: Windows) -> int:
    """Bytes that each window keeps for the next one, and two checkpoints, as one exists while it replaces another.

    All is float32. A window keeps its prefix, or the latents from which decoding can start again, and keeps frames only
    where the next window adds fewer than the overlap. A checkpoint holds the latents of the largest window with the
    solver's two predictions and last sample.
    """
    pixels = recipe.width * recipe.height
    latent = 4 * int(facts.vae.config.get("z_dim", 16)) * pixels // facts.spatial_stride**2
    largest = windows.largest(lambda window: window.latents + window.ahead)
    kept = windows.largest(lambda window: window.prefix_latents)
    if recipe.join != "pixels":
        kept = max(kept, DECODER_REACH)
    kept += recipe.frame_sink
    handed = 0
    if recipe.join == "rolling":  # what is part-way, with predictions and samples; a checkpoint has all turns
        handed = windows.largest(lambda window: window.forward_latents + 3 * window.ahead)
    short = windows.total(lambda window: max(0, window.drop_frames - window.new_frames))
    checkpoints = 8 * largest + (2 * (handed + largest) if handed else 0)
    return latent * ((kept + handed) * len(windows) + checkpoints) + 4 * 3 * pixels * short
