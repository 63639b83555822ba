"""Options of the contract whose feature is not there yet: refused, with what to do instead, never ignored."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from skyreels_cli.cli.options import LaterOptions
from skyreels_cli.errors import PluginError, SkyreelsError, UsageError

if TYPE_CHECKING:
    from skyreels_cli.recipe.schema import Draft

INSTEAD = {
    "shots": "render each shot with a `skyreels generate` of its own",
    "prompt_enhancer": "write out what is seen, how it moves and how the camera moves",
    "video_path": "start from the video's last frame: --image last.png",
    "gpus": "choose the one device to compute on: --device cuda:1",
    "lora": "use a model folder into which the LoRA is merged: --model FOLDER",
}
PLUGINS = {
    "cache": "a cache",
    "teacache": "the plugin teacache",
    "teacache_thresh": "the plugin teacache",
    "use_ret_steps": "the plugin teacache",
    "parallel": "a parallel backend",
    "use_usp": "the plugin usp",
    "option": "a plugin",
    "options": "a plugin",
}


def refuse_unbuilt(later: LaterOptions, draft: Draft) -> None:
    """Raise one error for everything that was asked for, by flag or preset, and is not there yet."""
    asked = {name: "--" + name.replace("_", "-") for name in _typed(later)}
    for name in ("lora", "cache", "parallel", "options"):
        if getattr(draft, name):
            asked[name] = f"the preset's `{name}`"
    if asked:
        raise _refusal(asked)


def _typed(later: LaterOptions) -> list[str]:
    names = [field.name for field in fields(later) if getattr(later, field.name)]
    return [name for name in names if not (name == "gpus" and later.gpus == 1)]


def _refusal(asked: dict[str, str]) -> SkyreelsError:
    what = ", ".join(asked.values())
    instead = [INSTEAD[name] for name in asked if name in INSTEAD]
    if instead:
        return UsageError("not-built-yet", f"not there yet: {what}", "; ".join(instead))
    needs = " and ".join(dict.fromkeys(PLUGINS[name] for name in asked))
    return PluginError(
        "plugin-not-found", f"{what}: {needs} is needed, and none is installed", "leave it out"
    )
