"""Every preset that ships makes a plan for the model that it is made for, and keeps what it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skyreels_cli.hub.catalogue import find_release
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.presets.find import list_presets
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.sharing.load import load_preset

from .conftest import FactsOf

SHIPPED = [preset.name for preset in list_presets()]

# Frames, rows of the first window and of all, as REFERENCE's formula and the presets' own words have them:
# 2 + (F − 97 − 1) // 80 windows; 30 rows sync, 30 + 4 · 5 async for 25 latent frames in blocks of 5.
EXPECTED = {
    "10s-sync": (257, 3, 30),
    "10s-async": (257, 3, 50),
    "15s-sync": (377, 5, 30),
    "30s-sync": (737, 9, 30),
    "30s-async": (737, 9, 50),
    "60s-async": (1457, 18, 50),
    "start-end": (97, 1, 30),
    "t2v-14b": (97, 1, 50),
    "i2v-14b": (97, 1, 50),
    "draft": (49, 1, 12),
    "quality": (121, 1, 50),
    "fast": (97, 1, 8),
    "portrait": (97, 1, 30),
    "12gb": (97, 1, 30),
    "24gb": (97, 1, 30),
}


def planned(name: str, facts_of: FactsOf, **typed: object) -> tuple[Recipe, Plan]:
    preset = load_preset(name)
    release = find_release(preset.model or "df-1.3b-540p")
    assert release
    facts: ModelFacts = facts_of(release.family, release.parameters, release.native)
    draft = merge(preset, Draft.model_validate({"prompt": "a swan", "seed": 1, **typed}))
    recipe = complete(draft, facts)
    return recipe, make_plan(recipe, facts)


def test_there_are_enough() -> None:
    assert len(SHIPPED) >= 14
    assert all(preset.title and "Use it" in preset.description and not preset.problem for preset in list_presets())


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "extend"])
def test_each_makes_a_plan(name: str, facts_of: FactsOf, tmp_path: Path) -> None:
    pictures = {"image": tmp_path / "first.png", "end_image": tmp_path / "last.png"}
    wanted = {"i2v-14b": ["image"], "start-end": ["image", "end_image"]}.get(name, [])
    for picture in wanted:
        Image.new("RGB", (960, 544)).save(pictures[picture])
    recipe, plan = planned(name, facts_of, **{picture: str(pictures[picture]) for picture in wanted})
    assert plan.num_frames == recipe.num_frames
    if name in EXPECTED:
        frames, windows, rows = EXPECTED[name]
        assert (plan.num_frames, plan.count, plan.windows[0].rows) == (frames, windows, rows)


def test_extending(facts_of: FactsOf, tmp_path: Path) -> None:
    with VideoEncoder(tmp_path / "clip.mp4", width=96, height=64, fps=24, coding=film_coding("h264", 7)) as encoder:
        encoder.write(np.zeros((20, 64, 96, 3), np.uint8))
    recipe, plan = planned("extend", facts_of, video=str(tmp_path / "clip.mp4"))
    assert (recipe.num_frames, plan.count) == (80, 1)
    assert plan.windows[0].new_frames == 80


def test_memory_that_is_promised(facts_of: FactsOf) -> None:
    for name, gigabytes in (("12gb", 10.7), ("24gb", 18.1)):
        peak = planned(name, facts_of)[1].estimates["memory_offload_model"].value
        assert round(peak / 1e9, 1) == gigabytes


def test_shapes(facts_of: FactsOf) -> None:
    assert planned("portrait", facts_of)[0].resolution == "544x960"
    assert planned("endless", facts_of)[1].num_frames is None
    assert planned("camera-push-in", facts_of)[0].prompt == (
        "A medium shot at eye level. A swan. The camera dollies in."
    )


def test_presets_lie_over_each_other(facts_of: FactsOf) -> None:
    both = merge(load_preset("10s-sync"), load_preset("camera-orbit"))
    assert both.num_frames == 257
    assert both.camera
    assert both.camera.shot == "full"
