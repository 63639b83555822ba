"""From a draft and a model to a recipe with no open question."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.media.image import image_size
from skyreels_cli.recipe.continued import continued
from skyreels_cli.recipe.defaults import default_overlap, family_defaults, model_defaults
from skyreels_cli.recipe.duration import parse_seconds
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.size import is_named, parse_size, turn

RANDOM_SEEDS = 2**32


def complete(draft: Draft, facts: ModelFacts) -> Recipe:
    """Lay the draft over the defaults of the model's family and of the model itself.

    Paths of images become absolute, so that the recipe means the same from another folder. Raises UsageError:
    `no-prompt`, `bad-resolution`, `bad-duration`, `endless-film`, `image-not-found`, `image-unreadable`,
    and those of `continued`.
    """
    if not (draft.prompt or "").strip():
        raise UsageError("no-prompt", "there is no prompt", 'skyreels generate "a red ball rolls over water"')
    whole = merge(family_defaults(facts, image=draft.image is not None), model_defaults(facts), draft)
    said = {name: value for name, value in whole if value is not None}
    width, height = _size(draft, said, facts)
    settled: dict[str, Any] = {
        "model": facts.name,
        "resolution": f"{width}x{height}",
        "num_frames": _num_frames(said),
        "overlap_history": _overlap(draft, said, facts),
        "seed": said.get("seed", secrets.randbelow(RANDOM_SEEDS)),
        **{name: str(_absolute(said[name])) for name in ("image", "end_image") if name in said},
    }
    if "video" in said:
        settled |= continued(draft, said, settled["overlap_history"], facts)
    asked = {name: value for name, value in said.items() if name in Recipe.model_fields}
    return Recipe.model_validate(asked | settled)


def _size(draft: Draft, said: dict[str, Any], facts: ModelFacts) -> tuple[int, int]:
    """Width and height; without a size in pixels or an aspect a portrait image makes a portrait film."""
    width, height = parse_size(said["resolution"])
    images = [image_size(_absolute(said[name])) for name in ("image", "end_image") if name in said]
    if "aspect" in said:
        return turn(width, height, said["aspect"], facts.spatial_stride * facts.patch[2])
    if images and images[0][1] > images[0][0] and is_named(draft.resolution or "540P"):
        return min(width, height), max(width, height)
    return width, height


def _num_frames(said: dict[str, Any]) -> int:
    """Exactly as many frames as the duration has at this rate; the plan rounds up inside and trims."""
    fps: int = said["fps"]
    if "duration" in said:
        return max(1, round(parse_seconds(said["duration"]) * fps))
    return int(said["num_frames"])


def _overlap(draft: Draft, said: dict[str, Any], facts: ModelFacts) -> int:
    """The overlap that was asked for, else a default that fits the window, whatever its length."""
    if draft.overlap_history is not None:
        return draft.overlap_history
    base, stride = said["base_num_frames"], facts.temporal_stride
    fallback = default_overlap(base, stride)
    model_default = said.get("overlap_history", fallback)
    return int(model_default) if model_default <= base - stride else fallback


def _absolute(image: str) -> Path:
    return Path(image).expanduser().absolute()
