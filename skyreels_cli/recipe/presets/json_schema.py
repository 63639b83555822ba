"""The JSON Schema of presets, for editors that complete and check YAML.

A copy lies beside this file: `skyreels preset schema > skyreels_cli/recipe/presets/preset.schema.json` renews it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skyreels_cli.recipe.camera import MOVEMENTS
from skyreels_cli.recipe.presets.preset import Preset

COPY = Path(__file__).with_name("preset.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def preset_schema() -> dict[str, Any]:
    """What a preset file may say, as Draft 2020-12; one movement may stand without a list."""
    described: dict[str, Any] = Preset.model_json_schema(by_alias=True)
    camera = described["$defs"]["Camera"]["properties"]["movement"]
    camera["anyOf"].insert(0, {"enum": list(MOVEMENTS), "type": "string"})
    return {"$schema": DIALECT, **described, "title": "skyreels preset"}
