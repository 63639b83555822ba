"""Drafts becoming recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.defaults import NEGATIVE_PROMPT
from skyreels_cli.recipe.schema import Draft, Recipe, with_later_fields

Facts = Callable[..., ModelFacts]


def recipe(facts: ModelFacts, **values: Any) -> Recipe:
    return complete(Draft.model_validate({"prompt": "a ball"} | values), facts)


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    Image.new("RGB", (90, 160)).save(path)
    return path


def test_everything_is_settled(facts: Facts) -> None:
    assert recipe(facts(), seed=7).model_dump(by_alias=True) == {
        "schema": 1,
        "prompt": "a ball",
        "enhanced": None,
        "negative_prompt": NEGATIVE_PROMPT,
        "camera": None,
        "model": "ball",
        "resolution": "960x544",
        "num_frames": 97,
        "fps": 24,
        "image": None,
        "end_image": None,
        "video": None,
        "seed": 7,
        "inference_steps": 30,
        "guidance_scale": 6.0,
        "shift": 8.0,
        "ar_step": 0,
        "causal_block_size": 1,
        "causal_attention": False,
        "base_num_frames": 97,
        "overlap_history": 17,
        "addnoise_condition": 0,
        "history_guidance": 1.0,
        "join": "pixels",
        "color_match": "off",
        "latent_anchor": 0.0,
        "frame_sink": False,
        "shots": [],
        "rerolls": [],
        "scheduler": "unipc",
        "cache": None,
        "options": {"unipc": {"order": 2}},
        "dtype": "bfloat16",
        "weights_dtype": "file",
        "vae": "float32",
        "base": None,
        "lora": [],
        "codec": "h264",
        "quality": 7.0,
    }


def test_family_then_model_then_draft(facts: Facts) -> None:
    model = facts(inference_steps=8, resolution="112x64", dtype="float32", negative_prompt="")
    made = recipe(model, inference_steps=4)
    assert (made.inference_steps, made.resolution, made.dtype, made.negative_prompt) == (
        4,
        "112x64",
        "float32",
        "",
    )
    assert made.guidance_scale == 6.0


def test_a_preset_for_any_model_is_no_model(facts: Facts) -> None:
    assert recipe(facts(name="/models/ball"), model="./ball").model == "/models/ball"


def test_seeds_are_drawn_from_32_bits(facts: Facts) -> None:
    seeds = {recipe(facts()).seed for _ in range(20)}
    assert len(seeds) > 15
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert recipe(facts(), seed=0).seed == 0


@pytest.mark.parametrize("prompt", [None, "", " \n"])
def test_no_prompt(facts: Facts, prompt: str | None) -> None:
    with pytest.raises(UsageError) as error:
        recipe(facts(), prompt=prompt)
    assert (error.value.code, error.value.exit_code) == ("no-prompt", 2)
    assert (error.value.hint or "").startswith('skyreels generate "')


@pytest.mark.parametrize(
    ("duration", "fps", "frames"),
    [("10s", 24, 240), ("10s", 16, 160), ("2m", 24, 2880), ("1.5", 25, 38), ("0.01", 24, 1)],
)
def test_a_duration_has_exactly_its_frames(facts: Facts, duration: str, fps: int, frames: int) -> None:
    assert recipe(facts(), duration=duration, fps=fps).num_frames == frames


def test_the_model_s_rate_counts(facts: Facts) -> None:
    assert recipe(facts(fps=8, num_frames=33), duration="2s").num_frames == 16


@pytest.mark.parametrize(
    ("values", "resolution"),
    [
        ({"resolution": "720P"}, "1280x720"),
        ({"resolution": "848x480"}, "848x480"),
        ({"aspect": "9:16"}, "544x960"),
        ({"aspect": "1:1"}, "720x720"),
        ({"resolution": "720P", "aspect": "4:3"}, "1104x832"),
        ({"resolution": "480x272", "aspect": "9:16"}, "272x480"),
    ],
)
def test_size(facts: Facts, values: dict[str, Any], resolution: str) -> None:
    assert recipe(facts(), **values).resolution == resolution


@pytest.mark.parametrize(
    ("values", "resolution"),
    [
        ({}, "544x960"),
        ({"resolution": "720P"}, "720x1280"),
        ({"resolution": "960x544"}, "960x544"),
        ({"aspect": "16:9"}, "960x544"),
    ],
)
def test_a_portrait_image_makes_a_portrait_film(
    facts: Facts, portrait: Path, values: dict[str, Any], resolution: str
) -> None:
    assert recipe(facts(), image=str(portrait), **values).resolution == resolution


def test_a_portrait_image_turns_the_model_s_own_size(facts: Facts, portrait: Path) -> None:
    assert recipe(facts(resolution="112x64"), image=str(portrait)).resolution == "64x112"
    assert recipe(facts(resolution="112x64"), end_image=str(portrait)).resolution == "64x112"


def test_an_image_changes_guidance_and_shift(facts: Facts, portrait: Path) -> None:
    made = recipe(facts(), image=str(portrait))
    assert (made.guidance_scale, made.shift) == (5.0, 5.0)
    typed = recipe(facts(), image=str(portrait), shift=8.0)
    assert (typed.guidance_scale, typed.shift) == (5.0, 8.0)


def test_images_become_absolute(facts: Facts, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(portrait.parent)
    made = recipe(facts(), image=portrait.name, end_image=f"./{portrait.name}")
    assert made.image == made.end_image == str(portrait)


def test_missing_image(facts: Facts, portrait: Path) -> None:
    with pytest.raises(UsageError, match=r'did you mean "portrait.png"') as error:
        recipe(facts(), image=str(portrait.with_name("portait.png")))
    assert (error.value.code, error.value.exit_code) == ("image-not-found", 2)
    assert error.value.hint


@pytest.mark.parametrize("field", ["image", "end_image"])
def test_unreadable_image(facts: Facts, portrait: Path, field: str) -> None:
    portrait.write_bytes(portrait.read_bytes()[:60])
    with pytest.raises(UsageError) as error:
        recipe(facts(), aspect="16:9", **{field: str(portrait)})
    assert (error.value.code, error.value.exit_code) == ("image-unreadable", 2)
    assert error.value.hint


def test_overlap_fits_the_window(facts: Facts) -> None:
    tiny = facts(base_num_frames=33, overlap_history=17)
    assert recipe(tiny).overlap_history == 17
    assert recipe(tiny, base_num_frames=17).overlap_history == 5
    assert recipe(tiny, base_num_frames=17, overlap_history=13).overlap_history == 13
    assert recipe(facts(), base_num_frames=17).overlap_history == 5


def test_options_of_plugins_pass_through(facts: Facts) -> None:
    made = recipe(facts(), cache="teacache", options={"teacache": {"threshold": 0.3}})
    assert made.cache == "teacache"
    assert made.options["teacache"] == {"threshold": 0.3, "ret_steps": False, "fit": "auto"}


def test_a_recipe_survives_being_json(facts: Facts) -> None:
    made = recipe(facts(), seed=1)
    assert Recipe.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_a_recipe_of_an_earlier_version_means_what_it_meant(facts: Facts) -> None:
    said = recipe(facts(), seed=7).model_dump(mode="json", by_alias=True)
    earlier = {name: value for name, value in said.items() if name not in ("vae", "weights_dtype", "schema")}
    assert with_later_fields(earlier) == said
    assert with_later_fields({**said, "vae": "tiled"})["vae"] == "tiled"
