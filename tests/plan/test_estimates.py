"""Operations, memory and disk against figures counted on the real classes (FlopCounterMode, live storage)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.compute import TransformerShape, forward_flops, tokens_per_frame, vae_flops
from skyreels_cli.plan.memory import hidden_bytes
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

NATIVE = {"540P": ("960x544", 97), "720P": ("1280x720", 121)}


@pytest.mark.parametrize(
    ("size", "native", "tokens", "teraflops", "least_gigabytes"),
    [
        ("1.3B", "540P", 51_000, 611.9, 0.78),
        ("14B", "540P", 51_000, 3373.7, 2.61),
        ("1.3B", "720P", 111_600, 2585.5, 1.71),
        ("14B", "720P", 111_600, 12920.0, 5.71),
    ],
)
def test_a_forward_pass(
    *,
    size: str,
    native: str,
    tokens: int,
    teraflops: float,
    least_gigabytes: float,
    recipe_of: RecipeOf,
    facts_of: FactsOf,
) -> None:
    resolution, frames = NATIVE[native]
    facts = facts_of(size=size)
    recipe = recipe_of(resolution=resolution, num_frames=frames, base_num_frames=frames)
    (window,) = make_plan(recipe, facts).windows
    assert window.forward_latents * tokens_per_frame(recipe, facts) == tokens
    assert forward_flops(TransformerShape.of(facts), tokens) / 1e12 == pytest.approx(teraflops, rel=5e-5)
    least = hidden_bytes(tokens, TransformerShape.of(facts), 2)
    assert least / 1e9 == pytest.approx(least_gigabytes, abs=0.006)
    activations = make_plan(recipe, facts).estimates["activations"].value
    assert least < activations < 1.5 * least


@pytest.mark.parametrize(("native", "teraflops", "gigabytes"), [("540P", 432, 9.57), ("720P", 954, 16.88)])
def test_decoding(
    native: str, teraflops: float, gigabytes: float, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    resolution, frames = NATIVE[native]
    recipe = recipe_of(resolution=resolution, num_frames=frames, base_num_frames=frames)
    plan = make_plan(recipe, facts_of())
    assert vae_flops(recipe, facts_of(), plan.windows[0]) / 1e12 == pytest.approx(teraflops, rel=0.02)
    assert plan.estimates["vae_decode"].value / 1e9 == pytest.approx(gigabytes, rel=0.001)


def test_time_is_rows_times_branches_at_the_measured_rate(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    facts = facts_of(size="14B")
    plan = make_plan(recipe_of(), facts, flops_per_second=790e12)
    time = plan.estimates["time"]
    vae = (5.6 + 24 * 17.6) / (790 * 0.15)
    assert time.value == pytest.approx(30 * 2 * 3373.7 / 790 + vae, rel=1e-4)
    assert "at 790 TFLOP/s" in time.basis
    assert "(measured)" in time.basis
    alone = make_plan(recipe_of(guidance_scale=1), facts, flops_per_second=790e12).estimates["time"]
    assert time.value - alone.value == pytest.approx(30 * 3373.7 / 790, rel=1e-4)


def test_an_assumed_rate_says_so(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    async_film = recipe_of(num_frames=257, ar_step=5, causal_block_size=5)
    plan = make_plan(async_film, facts_of())
    time = plan.estimates["time"]
    assert plan.total_rows == 50 + 45 + 45
    vae = (3 * 5.6 + 72 * 17.6 + 10 * 10.4) / 60
    assert time.value == pytest.approx(140 * 2 * 611.9 / 400 + vae, rel=1e-4)
    assert "at 400 TFLOP/s" in time.basis
    assert "an assumption" in time.basis


def test_weights_by_dtype(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    bfloat16 = make_plan(recipe_of(), facts_of(size="14B")).estimates
    assert bfloat16["weights_transformer"].value == 28.576e9
    assert bfloat16["weights_text_encoder"].value == 11.36e9
    assert bfloat16["weights_vae"].value == 0.508e9
    float32 = make_plan(recipe_of(dtype="float32"), facts_of(size="14B")).estimates
    assert float32["weights_transformer"].value == 57.152e9
    fp8 = make_plan(recipe_of(dtype="fp8"), facts_of(size="14B")).estimates
    assert fp8["weights_transformer"].value == 14.288e9 + 1000
    assert fp8["weights_text_encoder"].value == 11.36e9


def test_peak_is_that_of_the_heaviest_phase(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    decoding = make_plan(recipe_of(), facts_of(size="14B")).estimates["memory"]
    assert decoding.value == pytest.approx(28.576e9 + 0.508e9 + 9.57e9)
    encoding = make_plan(recipe_of(resolution="112x64", num_frames=33), facts_of()).estimates["memory"]
    assert encoding.value == 11.36e9


def test_offloading_takes_parts_off_the_device(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    estimates = make_plan(recipe_of(), facts_of(size="14B")).estimates
    activations = estimates["activations"].value
    assert estimates["memory_offload_model"].value == pytest.approx(28.576e9 + activations)
    assert estimates["memory_offload_stream"].value == pytest.approx(0.508e9 + 9.57e9)
    long = recipe_of(num_frames=401, base_num_frames=401)
    streamed = make_plan(long, facts_of(size="14B")).estimates
    blocks = 2 * 28.576e9 / 40
    assert streamed["memory_offload_stream"].value == blocks + streamed["activations"].value


def test_memory_is_flat_in_the_length_of_the_film(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    short = make_plan(recipe_of(num_frames=257), facts_of()).estimates
    long = make_plan(recipe_of(num_frames=14417), facts_of()).estimates
    assert (short["memory"].value, short["host"].value) == (long["memory"].value, long["host"].value)


def test_small_windows_keep_the_prompts_keys(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    small = recipe_of(resolution="112x64", num_frames=33)
    kept = 2 * 30 * 512 * 1536 * 2 * 2
    tokens = 9 * 28
    forward = 5 * tokens * 1536 * 2 + tokens * (2 * 8960 * 2 + 3 * 1536 * 4)
    assert make_plan(small, facts_of()).estimates["activations"].value == forward + kept


def test_disk(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    raw = recipe_of(codec="ffv1", num_frames=97)
    state = 4 * 16 * 25 * 68 * 120
    assert make_plan(raw, facts_of()).estimates["disk"].value == 2 * 97 * 960 * 544 * 3 + state
    best, usual, least = (
        make_plan(recipe_of(quality=quality), facts_of()).estimates["disk"].value - state
        for quality in (10, 7, 4)
    )
    assert usual == 2 * 97 * 960 * 544 * 0.5 / 8
    assert (best, least) == pytest.approx((usual * 2**1.5, usual / 2**1.5))


def test_the_state_between_windows_takes_disk(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    state = 4 * (3 * 17 * 960 * 544 + 16 * 25 * 68 * 120)
    disk = make_plan(recipe_of(codec="ffv1", num_frames=177), facts_of()).estimates["disk"]
    assert disk.value == 2 * 177 * 960 * 544 * 3 + state
