"""What leaves one machine and what arrives at another make the same film: the same recipe, to the last letter."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.recipe.presets.load import PresetLayer
from skyreels_cli.recipe.presets.migrate import migrate
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import read_preset
from skyreels_cli.recipe.presets.write import to_yaml
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.sharing.archive import read_archive, write_archive
from skyreels_cli.recipe.sharing.bundle import Bundle
from skyreels_cli.recipe.sharing.code import from_code, to_code
from skyreels_cli.recipe.sharing.film import preset_of, read_film, read_record
from skyreels_cli.recipe.sharing.load import load_preset
from skyreels_cli.recipe.shots import Shot, ShotDraft

from .conftest import NASTY, facts, recipe_of, recipes

CONTAINERS = {".mp4": "h264", ".mov": "h264", ".mkv": "h264", ".webm": "av1"}


UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
"""Shrinking prompts of 20 KB takes minutes."""


def record(recipe: Recipe) -> str:
    """What a film carries in its tag."""
    return json.dumps({"skyreels": 1, "recipe": recipe.model_dump(mode="json", by_alias=True)}, ensure_ascii=False)


def through_yaml(preset: Preset) -> Preset:
    return read_preset(to_yaml(preset).encode(), "x.yaml").preset


def through_code(preset: Preset) -> Preset:
    return from_code(to_code(preset)).preset


def through_archive(preset: Preset) -> Preset:
    return read_archive(write_archive(to_yaml(preset), {}), "x").text.preset


def through_migration(preset: Preset) -> Preset:
    return Preset.model_validate(migrate(preset.plain()))


def made_again(bundle: Bundle) -> Recipe:
    return recipe_of(PresetLayer(bundle.text, bundle.folder).draft)


@pytest.mark.parametrize("way", [through_yaml, through_code, through_archive, through_migration])
@settings(max_examples=60, deadline=None, phases=UNSHRUNK)
@given(recipe=recipes)
def test_any_recipe_survives(way: Callable[[Preset], Preset], recipe: Recipe) -> None:
    preset = Preset.model_validate(preset_of(recipe.model_dump(mode="json", by_alias=True)))
    assert way(preset) == preset
    assert recipe_of(way(preset).draft) == recipe


@settings(max_examples=60, deadline=None, phases=UNSHRUNK)
@given(recipe=recipes)
def test_any_recipe_survives_in_a_sidecar(recipe: Recipe) -> None:
    assert made_again(read_record(record(recipe).encode(), "film.mp4.json")) == recipe


def film(path: Path, comment: str) -> Path:
    coding = film_coding(CONTAINERS[path.suffix], 7)
    with VideoEncoder(path, width=64, height=64, fps=24, coding=coding, comment=comment) as encoder:
        encoder.write(np.zeros((2, 64, 64, 3), np.uint8))
    return path


@pytest.mark.parametrize("suffix", CONTAINERS)
@settings(max_examples=8, deadline=None, phases=UNSHRUNK, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipe=recipes)
def test_any_recipe_survives_in_a_film(suffix: str, tmp_path: Path, recipe: Recipe) -> None:
    told = record(recipe)
    if "\x00" not in told and len(told.encode()) < 2**16:
        assert made_again(read_film(film(tmp_path / f"film{suffix}", told))) == recipe


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".mp4"])
@pytest.mark.parametrize("text", NASTY[:4], ids=range(4))
def test_a_film_that_was_remuxed_is_a_preset_still(suffix: str, text: str, tmp_path: Path) -> None:
    recipe = recipe_of({"prompt": text, "seed": 5, "camera": {"movement": ["dolly-in"]}})
    first, second = film(tmp_path / "a.mp4", record(recipe)), tmp_path / f"b{suffix}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", first, "-c", "copy", second]
    subprocess.run([*map(str, command)], check=True)
    assert recipe_of(load_preset(str(second))) == recipe


def test_a_stripped_film_has_it_beside(tmp_path: Path) -> None:
    recipe = recipe_of({"prompt": "a ball", "seed": 5})
    bare = film(tmp_path / "a.mp4", "uploaded by somebody")
    bare.with_name("a.mp4.json").write_text(record(recipe), encoding="utf-8")
    assert recipe_of(load_preset(str(bare))) == recipe
    assert recipe_of(load_preset(f"{bare}.json")) == recipe


def test_what_is_left_of_paths(tmp_path: Path) -> None:
    values: dict[str, Any] = recipe_of({"prompt": "a ball", "seed": 5}).model_dump(mode="json", by_alias=True)
    values |= {"image": "/home/anna/pictures/first.png", "end_image": "C:\\Users\\anna\\last.png"}
    told = json.dumps({"recipe": values})
    bundle = read_film(film(tmp_path / "a.mp4", told))
    assert (bundle.text.preset.image, bundle.text.preset.end_image) == ("first.png", "last.png")
    assert load_preset(str(tmp_path / "a.mp4")).image == str(tmp_path / "first.png")


def test_plans_are_alike() -> None:
    assert facts().name == recipe_of({"prompt": "a"}).model


def test_a_draft_can_say_all_that_a_recipe_says() -> None:
    """A field that only recipes had would make films that cannot be taken as presets."""
    assert set(Recipe.model_fields) <= set(Draft.model_fields)
    assert set(Shot.model_fields) <= set(ShotDraft.model_fields)
