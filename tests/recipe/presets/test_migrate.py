"""Presets of every version that ever was are read, and say what they said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.migrate import CURRENT, MIGRATIONS, NewerPresetError, migrate
from skyreels_cli.recipe.presets.read import read_preset

FIXTURES = Path(__file__).parent / "migrations"


def without_seed(values: dict[str, Any]) -> dict[str, Any]:
    return {("noise" if key == "seed" else key): value for key, value in values.items()}


def test_every_version_has_fixtures_and_a_way_to_the_current_one() -> None:
    assert sorted(int(folder.name) for folder in FIXTURES.iterdir()) == list(range(1, CURRENT + 1))
    assert sorted(MIGRATIONS) == list(range(1, CURRENT))


@pytest.mark.parametrize("file", sorted(FIXTURES.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_fixtures(file: Path) -> None:
    expected = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert read_preset(file.read_bytes(), str(file)).preset.plain() == expected


@given(st.dictionaries(st.sampled_from(["prompt", "seed", "title"]), st.text()))
def test_the_current_version_stays_as_it_is(values: dict[str, Any]) -> None:
    assert migrate({**values, "schema": CURRENT}) == {**values, "schema": CURRENT}
    assert migrate(values) == values


def test_migrations_follow_each_other() -> None:
    steps = {1: without_seed, 2: lambda values: {**values, "three": True}}
    assert migrate({"seed": 5}, steps) == {"noise": 5, "three": True, "schema": 3}
    assert migrate({"schema": 2, "seed": 5}, steps) == {"seed": 5, "three": True, "schema": 3}
    with pytest.raises(NewerPresetError):
        migrate({"schema": 4}, steps)


def test_a_later_version_is_told() -> None:
    with pytest.raises(UsageError, match=":2: schema: a later version of the program") as error:
        read_preset(b"prompt: a\nschema: 2\n", "x.yaml")
    assert (error.value.code, error.value.exit_code) == ("preset-newer", 2)
