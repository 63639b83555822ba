"""Text to video: from noise alone."""

from __future__ import annotations

from skyreels_cli.model.family import FamilyModel

MODEL = FamilyModel()
