"""Registers the bundled demo model and its command; imports neither torch nor numpy."""

from __future__ import annotations

from skyreels_cli.plugins.specs import CommandSpec, ModelSpec, hookimpl

SKYREELS_API = 1


@hookimpl
def skyreels_register_models() -> tuple[ModelSpec, ...]:
    """Register `tiny`."""
    summary = "The demo model that comes along: a toy world."
    words = "skyreels_tiny.vocabulary:unknown_words"
    return (ModelSpec("tiny", summary, "skyreels_tiny:weights_path", unknown_words=words),)


@hookimpl
def skyreels_register_commands() -> tuple[CommandSpec, ...]:
    """Register `skyreels tiny`."""
    return (CommandSpec("tiny", "What the demo model understands.", "skyreels_tiny.commands:app"),)
