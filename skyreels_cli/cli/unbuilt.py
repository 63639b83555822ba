"""Options of the contract whose feature is not there yet: refused, with what to do instead, never ignored."""

from __future__ import annotations

from dataclasses import fields

from skyreels_cli.cli.options import LaterOptions
from skyreels_cli.errors import UsageError

INSTEAD = {
    "prompt_enhancer": "write out what is seen, how it moves and how the camera moves",
}


def refuse_unbuilt(later: LaterOptions) -> None:
    """Raise one error for every option that was typed and is not there yet."""
    asked = {name: "--" + name.replace("_", "-") for name in _typed(later)}
    if asked:
        instead = [INSTEAD[name] for name in asked]
        raise UsageError("not-built-yet", f"not there yet: {', '.join(asked.values())}", "; ".join(instead))


def _typed(later: LaterOptions) -> list[str]:
    return [field.name for field in fields(later) if getattr(later, field.name)]
