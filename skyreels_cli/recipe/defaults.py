"""Default values of a recipe, for each model family and for a single model."""

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
"""The reference's negative prompt, word for word, because the released weights are used with guidance away from it."""

LONG_OVERLAP = 17
"""Overlap in frames with which the reference was tested up to 1457 frames (tests/golden/REFERENCE.md §3)."""


def family_defaults(facts: ModelFacts, *, image: bool) -> Draft:
    """Defaults of a family (tests/golden/REFERENCE.md §3); `image` says whether the film starts from an image.

    Only the name of a model says whether it is a 720P model; nothing in its files does.
    """
    native_720p = "720p" in PurePath(facts.name).name.lower()
    frames = 121 if native_720p else 97
    family = facts.traits
    table = {
        "negative_prompt": NEGATIVE_PROMPT,
        "resolution": "720P" if native_720p else "540P",
        "num_frames": frames,
        "base_num_frames": frames,
        "fps": 24,
        **family.defaults,
        **(family.defaults_720p if native_720p else {}),
        **(family.defaults_image if image else {}),
    }
    return Draft.model_validate(table)


def model_defaults(facts: ModelFacts) -> Draft:
    """The `defaults` in the model's `skyreels.json`; UsageError `model-broken` if they are no valid recipe fields."""
    problems = find_problems(facts.defaults)
    if problems:
        card = facts.folder / "skyreels.json"
        raise UsageError("model-broken", f"{card}: defaults.{problems[0].key}: {problems[0].message}")
    return Draft.model_validate(dict(facts.defaults))


def default_overlap(base_num_frames: int, stride: int) -> int:
    """Overlap in frames: 17, or in a short window the largest 4k + 1 (for stride 4) within its first half."""
    if base_num_frames >= 2 * LONG_OVERLAP - 1:
        return LONG_OVERLAP
    return max(1, (base_num_frames // 2 - 1) // stride * stride + 1)
