"""Allowed values of a recipe's fields, in a file of their own so that `--help` need not import pydantic (120 ms)."""

from __future__ import annotations

from typing import Literal, get_args

Aspect = Literal["16:9", "9:16", "1:1", "4:3", "3:4"]
Join = Literal["pixels", "latents", "rolling"]
ColorMatch = Literal["off", "anchor"]
Dtype = Literal["bfloat16", "float16", "float32"]
AskedDtype = Literal["auto", "bfloat16", "float16", "float32"]
WeightsDtype = Literal["file", "fp8"]
AskedWeightsDtype = Literal["auto", "file", "fp8"]
"""`auto`: fp8 where memory needs it."""
Vae = Literal["float32", "bfloat16", "tiled"]
Codec = Literal["h264", "h265", "av1", "ffv1"]

ShotType = Literal["extreme-close-up", "close-up", "medium", "full", "long"]
Angle = Literal["eye-level", "low", "high"]
Position = Literal["front", "back", "side", "over-the-shoulder", "overhead", "point-of-view", "aerial", "overlooking"]
Movement = Literal[
    "static",
    "handheld",
    "dolly-in",
    "dolly-out",
    "truck-left",
    "truck-right",
    "pedestal-up",
    "pedestal-down",
    "pan-left",
    "pan-right",
    "tilt-up",
    "tilt-down",
    "roll-left",
    "roll-right",
    "zoom-in",
    "zoom-out",
    "orbit-left",
    "orbit-right",
    "tracking",
]
CAMERA_WORDS = {
    word: field
    for field, words in (("shot", ShotType), ("angle", Angle), ("position", Position), ("movement", Movement))
    for word in get_args(words)
}
"""Every word of the camera's vocabulary, and the field of `camera:` that it fills."""

MAX_SEED = 2**63 - 1
LONGEST_PROMPT = 20_000
"""Characters; the text encoder reads about the first 2,000 (512 tokens)."""
MAX_FRAMES = 10**12
"""A film of a thousand years; its frames and rows still fit into 64 bits."""
