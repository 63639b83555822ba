"""The former place of `skyreels_cli.testing`, for plugins of API 1; importing from here warns."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Whatever the kit has under this name."""
    found = getattr(import_module("skyreels_cli.testing"), name)
    warnings.warn("skyreels_cli.plugins.testing is now skyreels_cli.testing", DeprecationWarning, stacklevel=2)
    return found
