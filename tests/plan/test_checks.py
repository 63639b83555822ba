"""What the plan refuses, by code, with what would work instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.frames import latent_frames, pixel_frames, whole_latents
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]


def test_frames_round_up_to_latents() -> None:
    assert [latent_frames(frames, 4) for frames in (1, 2, 4, 5, 6, 97, 98)] == [1, 2, 2, 2, 3, 25, 26]
    assert [pixel_frames(latents, 4) for latents in (1, 2, 25)] == [1, 5, 97]
    assert whole_latents("overlap-history", 17, 4) == 5


@pytest.mark.parametrize(
    ("changes", "code", "message", "hint"),
    [
        ({"overlap_history": 16}, "plan-overlap-history", "the nearest: 13 or 17", "--overlap-history 17"),
        ({"overlap_history": 97}, "plan-overlap-history", "from 1 to 93, not 97", "--overlap-history 93"),
        ({"overlap_history": 96}, "plan-overlap-history", "the nearest: 93", "--overlap-history 93"),
        ({"overlap_history": 120}, "plan-overlap-history", "the nearest: 93", "--overlap-history 93"),
        ({"base_num_frames": 96}, "plan-base-num-frames", "the nearest: 93 or 97", "--base-num-frames 97"),
        ({"base_num_frames": 1}, "plan-base-num-frames", "at least 5, not 1", "--base-num-frames 5"),
        ({"resolution": "960x540"}, "plan-resolution", "height 540 is not divisible by 16", "960x544"),
        ({"resolution": "850x470"}, "plan-resolution", "(the nearest: 848 or 864); height", "848x464"),
        ({"resolution": "5x16"}, "plan-resolution", "(the nearest: 16)", "--resolution 16x16"),
        ({"resolution": "0x16"}, "plan-resolution", "width 0", "--resolution 16x16"),
        ({"resolution": "16400x16"}, "plan-resolution", "up to 16384 pixels", "--resolution 540P"),
        ({"num_frames": 1, "image": "a.png"}, "plan-num-frames", "nothing to render", "--num-frames 5"),
        (
            {"num_frames": 9000, "base_num_frames": 4097},
            "plan-window-too-long",
            "a window of 1025 latent frames exceeds the 1024 positions",
            "--base-num-frames 4093",
        ),
    ],
)
def test_refused(
    *, changes: dict[str, Any], code: str, message: str, hint: str, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(recipe_of(**changes), facts_of())
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert message in caught.value.message
    assert hint in str(caught.value.hint)


def test_hints_work(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    for changes in ({"overlap_history": 93}, {"base_num_frames": 4093, "num_frames": 4093}):
        assert make_plan(recipe_of(**changes), facts_of()).num_frames == changes.get("num_frames", 97)
    longest = {"num_frames": 4093, "base_num_frames": 4093}
    with pytest.raises(UsageError, match="at most 4089 frames"):
        make_plan(recipe_of(**longest, end_image="b.png"), facts_of())


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"image": "a.png"}, "--image"),
        ({"end_image": "a.png"}, "--end-image"),
        ({"ar_step": 5}, "--ar-step"),
        ({"causal_attention": True}, "--causal-attention"),
        ({"addnoise_condition": "auto"}, "--addnoise-condition auto"),
        ({"latent_anchor": 0.5}, "--latent-anchor"),
        ({"frame_sink": True}, "--frame-sink"),
        ({"history_guidance": 2.0}, "--history-guidance"),
    ],
)
def test_t2v_models_refuse_what_needs_diffusion_forcing(
    changes: dict[str, Any], option: str, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    with pytest.raises(UsageError, match=option) as caught:
        make_plan(recipe_of(**changes), facts_of("t2v", "14B"))
    assert caught.value.code == "model-family"
    assert "df-1.3b-540p, df-14b-540p, df-14b-720p" in caught.value.message
    assert caught.value.hint == "--model df-1.3b-540p"


def test_t2v_models_render_any_length_as_one_window(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe = recipe_of(num_frames=130, base_num_frames=96, overlap_history=120)
    (window,) = make_plan(recipe, facts_of("t2v", "14B")).windows
    assert (window.latents, window.new_frames, window.trim_frames, window.rows) == (34, 130, 3, 30)


def test_t2v_length_is_bounded_by_positions(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(recipe_of(num_frames=5000), facts_of("t2v", "14B"))
    assert caught.value.hint == "--num-frames 4093"


def test_an_i2v_model_needs_an_image(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    with pytest.raises(UsageError, match="starts from an image, and none is given") as caught:
        make_plan(recipe_of(), facts_of("i2v"))
    assert (caught.value.code, caught.value.hint) == ("image-missing", "--image first.png")
    shots = [
        {"prompt": "a", "negative_prompt": "", "num_frames": 9, "guidance_scale": 5.0, "cut": True, "image": image}
        for image in ("first.png", None)
    ]
    with pytest.raises(UsageError, match="shot 2 has none"):
        make_plan(recipe_of(shots=shots, num_frames=18), facts_of("i2v"))


def test_an_i2v_film_is_one_window_whose_image_takes_no_frame(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    (window,) = make_plan(recipe_of(image="first.png"), facts_of("i2v")).windows
    assert (window.latents, window.prefix_latents, window.new_frames, window.fresh) == (25, 0, 97, True)
    with pytest.raises(UsageError, match="more than the one window of 97") as caught:
        make_plan(recipe_of(image="first.png", num_frames=98), facts_of("i2v"))
    assert caught.value.hint == "--num-frames 97"


@pytest.mark.parametrize("beyond", [{"end_image": "last.png"}, {"ar_step": 5}, {"causal_attention": True}])
def test_what_needs_forcing_is_refused_on_i2v(beyond: dict[str, Any], recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    with pytest.raises(UsageError, match=r"is an image-to-video model: .* needs a DF model"):
        make_plan(recipe_of(image="first.png", **beyond), facts_of("i2v"))
