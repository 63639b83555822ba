"""Lays drafts over each other: model defaults, then a preset, then what was typed."""

from __future__ import annotations

from typing import Any

from skyreels_cli.recipe.camera import Camera, without_words
from skyreels_cli.recipe.schema import Draft


def merge(*drafts: Draft) -> Draft:
    """One draft in which later ones win field by field.

    `options` merge plugin by plugin, option by option, and `camera` field by field.
    Some fields answer the question of another: a later `duration` replaces an earlier `num_frames` and the
    other way round, and later `shots` replace both; a later `resolution` in pixels replaces an earlier `aspect`
    (an aspect turns any size).
    """
    merged: dict[str, Any] = {}
    for draft in drafts:
        said = {name: value for name, value in draft if value is not None}
        for name in _answered(said):
            merged.pop(name, None)
        if "options" in said:
            said["options"] = _merge_options(merged.get("options", {}), said["options"])
        if "camera" in said:
            said["camera"] = _merge_cameras(merged, said["camera"])
        merged |= said
    return Draft.model_validate(merged)


def _answered(said: dict[str, Any]) -> list[str]:
    """Fields of earlier drafts that these ones settle."""
    settled = {"num_frames": ["duration"], "duration": ["num_frames"], "shots": ["duration", "num_frames"]}
    names = [other for name, others in settled.items() if name in said for other in others]
    if "x" in said.get("resolution", ""):
        names.append("aspect")
    return names


def _merge_options(earlier: dict[str, dict[str, Any]], later: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {plugin: earlier.get(plugin, {}) | later.get(plugin, {}) for plugin in earlier | later}


def _merge_cameras(merged: dict[str, Any], later: Camera) -> Camera:
    """Both cameras in one; a prompt that tells of the earlier one (it comes from a film) forgets it."""
    earlier = merged.get("camera")
    if earlier and "prompt" in merged:
        merged["prompt"] = without_words(merged["prompt"], earlier)
    return later.over(earlier)
