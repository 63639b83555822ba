"""The bundled demo model: a toy world, the few million weights trained on it, and the code that trained
them.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["weights_path"]


def weights_path() -> Path:
    """Return the folder of the bundled model in Diffusers layout; imports neither torch nor numpy."""
    return Path(__file__).resolve().parent / "weights"
