"""What a recipe says where nobody said anything: the values that each model family was made for."""

from __future__ import annotations

from pathlib import PurePath

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.validate import find_problems

NEGATIVE_PROMPT = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, "
    "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, "
    "poorly drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, "
    "still picture, messy background, three legs, many people in the background, walking backwards"
)
"""The reference's own, word for word: guidance away from it is part of how the released weights are used."""

LONG_OVERLAP = 17
"""Frames taken over at a join; the length that the reference tested up to 1457 frames (REFERENCE.md §3)."""


def family_defaults(facts: ModelFacts, *, image: bool) -> Draft:
    """The table of REFERENCE.md §3; `image` tells whether the film starts from one.

    Nothing in a model's files says whether it is a 720P model, so its name must.
    """
    native_720p = "720p" in PurePath(facts.name).name.lower()
    frames = 121 if native_720p else 97
    guidance_scale, shift = 6.0, 8.0
    if facts.family == "i2v":
        guidance_scale, shift = 5.0, 5.0 if native_720p else 3.0
    elif facts.family == "df" and image:
        guidance_scale, shift = 5.0, 5.0
    table = {
        "negative_prompt": NEGATIVE_PROMPT,
        "resolution": "720P" if native_720p else "540P",
        "num_frames": frames,
        "base_num_frames": frames,
        "fps": 24,
        "inference_steps": 30 if facts.family == "df" else 50,
        "guidance_scale": guidance_scale,
        "shift": shift,
    }
    return Draft.model_validate(table)


def model_defaults(facts: ModelFacts) -> Draft:
    """The `defaults` of the model's own `skyreels.json`; `model-broken` if they are no recipe fields."""
    problems = find_problems(facts.defaults)
    if problems:
        card = facts.folder / "skyreels.json"
        raise UsageError("model-broken", f"{card}: defaults.{problems[0].key}: {problems[0].message}")
    return Draft.model_validate(dict(facts.defaults))


def default_overlap(base_num_frames: int, stride: int) -> int:
    """Frames taken over at a join: 17, in short windows the longest whole latents within their first half."""
    if base_num_frames >= 2 * LONG_OVERLAP - 1:
        return LONG_OVERLAP
    return max(1, (base_num_frames // 2 - 1) // stride * stride + 1)
