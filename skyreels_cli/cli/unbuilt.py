"""Options of the contract whose feature is not there yet: refused, with what to do instead, never ignored."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from skyreels_cli.cli.options import LaterOptions
from skyreels_cli.errors import UsageError

if TYPE_CHECKING:
    from skyreels_cli.recipe.schema import Draft

INSTEAD = {
    "prompt_enhancer": "write out what is seen, how it moves and how the camera moves",
    "lora": "use a model folder into which the LoRA is merged: --model FOLDER",
}


def refuse_unbuilt(later: LaterOptions, draft: Draft) -> None:
    """Raise one error for everything that was asked for, by flag or preset, and is not there yet."""
    asked = {name: "--" + name.replace("_", "-") for name in _typed(later)}
    if draft.lora:
        asked["lora"] = "the preset's `lora`"
    if asked:
        instead = [INSTEAD[name] for name in asked]
        raise UsageError("not-built-yet", f"not there yet: {', '.join(asked.values())}", "; ".join(instead))


def _typed(later: LaterOptions) -> list[str]:
    return [field.name for field in fields(later) if getattr(later, field.name)]
