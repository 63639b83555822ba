"""Registers the bundled demo model; imports neither torch nor numpy."""

from __future__ import annotations

from skyreels_cli.plugins.specs import ModelSpec, hookimpl

SKYREELS_API = 1


@hookimpl
def skyreels_register_models() -> tuple[ModelSpec, ...]:
    """Register `tiny`."""
    return (ModelSpec("tiny", "The demo model that comes along: a toy world.", "skyreels_tiny:weights_path"),)
