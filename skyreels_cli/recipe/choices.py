"""Allowed values of a recipe's fields, in a file of their own so that `--help` need not import pydantic (120 ms)."""

from __future__ import annotations

from typing import Literal

Aspect = Literal["16:9", "9:16", "1:1", "4:3", "3:4"]
Join = Literal["pixels", "latents"]
ColorMatch = Literal["off", "anchor"]
Dtype = Literal["bfloat16", "float16", "float32"]
WeightsDtype = Literal["file", "fp8"]
Codec = Literal["h264", "h265", "av1", "ffv1"]

MAX_SEED = 2**63 - 1
LONGEST_PROMPT = 20_000
"""Characters; the text encoder reads about the first 2,000 (512 tokens)."""
MAX_FRAMES = 10**12
"""A film of a thousand years; its frames and rows still fit into 64 bits."""
