"""The JSON Schema for editors: the copy is up to date, and says of presets what the program says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from skyreels_cli.recipe.presets.find import list_presets
from skyreels_cli.recipe.presets.json_schema import COPY, preset_schema
from skyreels_cli.recipe.presets.yaml_text import parse_yaml

VALIDATOR = Draft202012Validator(preset_schema())


def plain(schema: Any) -> Any:
    """The schema without what later releases of pydantic write out although it is the default."""
    if isinstance(schema, dict):
        said = {key: plain(value) for key, value in schema.items()}
        return {key: value for key, value in said.items() if (key, value) != ("additionalProperties", True)}
    return [plain(value) for value in schema] if isinstance(schema, list) else schema


def test_the_copy_has_not_drifted() -> None:
    renew = f"renew it: skyreels preset schema > {COPY}"
    assert plain(json.loads(COPY.read_text(encoding="utf-8"))) == plain(preset_schema()), renew


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(preset_schema())
    assert {"extends", "requires", "camera", "num_frames"} <= set(preset_schema()["properties"])


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_shipped_presets_follow_it(preset: object) -> None:
    path = preset.path  # type: ignore[attr-defined]
    assert not list(VALIDATOR.iter_errors(parse_yaml(path.read_text(encoding="utf-8")).values))


@pytest.mark.parametrize("values", [{"num_frames": 0}, {"fsp": 1}, {"camera": {"shot": "wide"}}, {"schema": 2}])
def test_it_refuses_what_the_program_refuses(values: object) -> None:
    assert list(VALIDATOR.iter_errors(values))
