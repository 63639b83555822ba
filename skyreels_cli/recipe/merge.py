"""Merges drafts: model defaults, then a preset, then what the user typed."""

from __future__ import annotations

from typing import Any

from skyreels_cli.recipe.camera import Camera, without_words
from skyreels_cli.recipe.schema import Draft


def merge(*drafts: Draft) -> Draft:
    """One draft in which later drafts win, field by field.

    `options` merge plugin by plugin, option by option, and `camera` field by field. Some fields also replace another
    field of an earlier draft: `duration` and `num_frames` replace each other, `shots` replaces both, and a `resolution`
    in pixels replaces `aspect`, which would change it. Other words also replace the record of how earlier ones came
    about, but not the mark that they are still to be written.
    """
    merged: dict[str, Any] = {}
    for draft in drafts:
        said = {name: value for name, value in draft if value is not None}
        enhanced = merged.get("enhanced")
        for name in _replaced(said):
            merged.pop(name, None)
        if enhanced and enhanced.pending:
            merged["enhanced"] = enhanced
        if "options" in said:
            said["options"] = _merge_options(merged.get("options", {}), said["options"])
        if "camera" in said:
            said["camera"] = _merge_cameras(merged, said["camera"])
        merged |= said
    return Draft.model_validate(merged)


def _replaced(said: dict[str, Any]) -> list[str]:
    """Fields of earlier drafts that these fields replace."""
    replaces = {
        "num_frames": ["duration"],
        "duration": ["num_frames"],
        "shots": ["duration", "num_frames", "enhanced"],
        "prompt": ["enhanced"],
        "story": ["enhanced", "shots"],
    }
    names = [other for name, others in replaces.items() if name in said for other in others]
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
