"""The defaults of each family against the table of tests/golden/REFERENCE.md §3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.defaults import default_overlap, family_defaults, model_defaults

# family, name, image → resolution, frames, steps, guidance, shift
TABLE = [
    ("df", "Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers", False, ("540P", 97, 30, 6.0, 8.0)),
    ("df", "Skywork/SkyReels-V2-DF-14B-540P-Diffusers", True, ("540P", 97, 30, 5.0, 5.0)),
    ("df", "Skywork/SkyReels-V2-DF-14B-720P-Diffusers", False, ("720P", 121, 30, 6.0, 8.0)),
    ("df", "/models/720p/mine", False, ("540P", 97, 30, 6.0, 8.0)),
    ("t2v", "Skywork/SkyReels-V2-T2V-14B-540P-Diffusers", False, ("540P", 97, 50, 6.0, 8.0)),
    ("t2v", "/models/t2v-14b-720p", False, ("720P", 121, 50, 6.0, 8.0)),
    ("i2v", "Skywork/SkyReels-V2-I2V-1.3B-540P-Diffusers", True, ("540P", 97, 50, 5.0, 3.0)),
    ("i2v", "Skywork/SkyReels-V2-I2V-14B-720P-Diffusers", True, ("720P", 121, 50, 5.0, 5.0)),
]


@pytest.mark.parametrize(("family", "name", "image", "row"), TABLE)
def test_table(facts: Callable[..., ModelFacts], family: str, name: str, image: bool, row: tuple[object, ...]) -> None:
    defaults = family_defaults(facts(family, name), image=image)
    assert (
        defaults.resolution,
        defaults.num_frames,
        defaults.inference_steps,
        defaults.guidance_scale,
        defaults.shift,
    ) == row
    assert (defaults.base_num_frames, defaults.fps) == (defaults.num_frames, 24)
    assert (defaults.negative_prompt or "").startswith("Bright tones, overexposed, static, blurred details")


def test_model_defaults_are_recipe_fields(facts: Callable[..., ModelFacts]) -> None:
    assert model_defaults(facts(inference_steps=8)).inference_steps == 8
    with pytest.raises(UsageError, match=r"defaults\.steps: unknown key") as error:
        model_defaults(facts(steps=8))
    assert (error.value.code, error.value.exit_code) == ("model-broken", 2)


@pytest.mark.parametrize(
    ("base", "overlap"), [(121, 17), (97, 17), (37, 17), (33, 17), (29, 13), (21, 9), (17, 5), (9, 1), (5, 1)]
)
def test_overlap(base: int, overlap: int) -> None:
    assert default_overlap(base, 4) == overlap


@pytest.mark.parametrize("base", range(5, 130, 4))
def test_overlap_is_whole_latents_and_leaves_something_new(base: int) -> None:
    overlap = default_overlap(base, 4)
    assert overlap % 4 == 1
    assert overlap <= base - 4
