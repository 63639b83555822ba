"""Operations, memory and disk against figures counted on the real classes (FlopCounterMode, live storage)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.compute import (
    LOADING_RATE,
    LOADING_SECONDS,
    Speed,
    TransformerShape,
    denoise_flops,
    forward_flops,
    preparing_seconds,
    tokens_per_frame,
    vae_flops,
)
from skyreels_cli.plan.memory import hidden_bytes
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

DECODE = 19_540 * 544 * 960
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


@pytest.mark.parametrize(("native", "teraflops", "gigabytes"), [("540P", 432, 10.19), ("720P", 954, 17.98)])
def test_decoding(native: str, teraflops: float, gigabytes: float, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    resolution, frames = NATIVE[native]
    recipe = recipe_of(resolution=resolution, num_frames=frames, base_num_frames=frames)
    plan = make_plan(recipe, facts_of())
    assert vae_flops(recipe, facts_of(), plan.windows[0]) / 1e12 == pytest.approx(teraflops, rel=0.02)
    assert plan.estimates["vae_decode"].value / 1e9 == pytest.approx(gigabytes, rel=0.002)


def test_time_is_rows_times_branches_at_the_measured_rate(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    facts = facts_of(size="14B")
    speed = Speed(790e12, 0.15 * 790e12, "measured")
    plan = make_plan(recipe_of(), facts, speed)
    time = plan.estimates["time"]
    vae = (5.6 + 24 * 17.6) / (790 * 0.15)
    assert time.value == pytest.approx(30 * 2 * 3373.7 / 790 + vae, rel=1e-4)
    assert "at 790 TFLOP/s" in time.basis
    assert "(measured)" in time.basis
    alone = make_plan(recipe_of(guidance_scale=1), facts, speed).estimates["time"]
    assert time.value - alone.value == pytest.approx(30 * 3373.7 / 790, rel=1e-4)


def test_what_comes_before_the_first_window_counts_where_it_is_known(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe, facts = recipe_of(), facts_of(size="14B")
    speed = Speed(790e12, 0.15 * 790e12, "measured")
    without = make_plan(recipe, facts, speed).estimates["time"]
    assert "without loading the model" in without.basis
    bytes_loaded, encoding = 28.576e9 + 0.508e9 + 11.36e9, 2 * 2 * 5.68e9 * 512 / 790e12
    seconds = preparing_seconds(recipe, facts, speed)
    assert seconds == pytest.approx(LOADING_SECONDS + bytes_loaded / LOADING_RATE + encoding, rel=1e-3)
    known = make_plan(recipe, facts, replace(speed, preparing=seconds)).estimates["time"]
    assert known.value == pytest.approx(without.value + seconds)
    assert "41 s of loading the model" in known.basis


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
    fp8 = make_plan(recipe_of(weights_dtype="fp8"), facts_of(size="14B")).estimates
    assert fp8["weights_transformer"].value == 14.288e9 + 1000
    assert fp8["weights_text_encoder"].value == 11.36e9


def test_peak_is_that_of_the_heaviest_phase(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    decoding = make_plan(recipe_of(), facts_of(size="14B")).estimates["memory"]
    assert decoding.value == pytest.approx(28.576e9 + 0.508e9 + DECODE)
    encoding = make_plan(recipe_of(resolution="112x64", num_frames=33), facts_of()).estimates["memory"]
    assert encoding.value == 11.36e9


def test_offloading_takes_parts_off_the_device(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    estimates = make_plan(recipe_of(), facts_of(size="14B")).estimates
    activations = estimates["activations"].value
    assert estimates["memory_offload_model"].value == pytest.approx(28.576e9 + activations)
    assert estimates["memory_offload_stream"].value == pytest.approx(0.508e9 + DECODE)
    long = recipe_of(num_frames=401, base_num_frames=401)
    streamed = make_plan(long, facts_of(size="14B")).estimates
    blocks = 2 * 28.576e9 / 40
    assert streamed["memory_offload_stream"].value == pytest.approx(blocks + streamed["activations"].value, rel=1e-6)


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


LATENT = 4 * 16 * 68 * 120
"""Bytes of a latent frame at 540P."""


def test_disk(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    raw = recipe_of(codec="ffv1", num_frames=97)
    state = 2 * 4 * 25 * LATENT
    assert make_plan(raw, facts_of()).estimates["disk"].value == 3 * 97 * 960 * 544 * 3 + state
    best, usual, least = (
        make_plan(recipe_of(quality=quality), facts_of()).estimates["disk"].value - state for quality in (10, 7, 4)
    )
    assert usual == 3 * 97 * 960 * 544 * 0.5 / 8
    assert (best, least) == pytest.approx((usual * 2**1.5, usual / 2**1.5))


@pytest.mark.parametrize(("join", "kept"), [("pixels", 5), ("latents", 38)])
def test_what_windows_leave_takes_disk(join: str, kept: int, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    disk = make_plan(recipe_of(codec="ffv1", num_frames=177, join=join), facts_of()).estimates["disk"]
    assert disk.value == 3 * 177 * 960 * 544 * 3 + (8 * 25 + 2 * kept) * LATENT


def test_a_short_last_window_keeps_frames_of_the_one_before(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    disk = make_plan(recipe_of(codec="ffv1", num_frames=101), facts_of()).estimates["disk"]
    frames = 4 * 3 * 960 * 544 * (17 - 4)
    assert disk.value == 3 * 101 * 960 * 544 * 3 + (8 * 25 + 2 * 5) * LATENT + frames


def test_an_endless_film_costs_what_a_window_costs(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    endless = make_plan(recipe_of(num_frames=None), facts_of())
    two, three = (make_plan(recipe_of(num_frames=frames), facts_of()) for frames in (177, 257))
    for name in ("time", "disk"):
        assert endless.estimates[name].basis.startswith("per window: ")
    seconds = three.estimates["time"].value - two.estimates["time"].value
    assert endless.estimates["time"].value == pytest.approx(seconds)
    grows = three.estimates["disk"].value - two.estimates["disk"].value
    assert endless.estimates["disk"].value == grows + 8 * 25 * LATENT
    assert endless.estimates["memory"].value == two.estimates["memory"].value


def test_guidance_of_each_shot_counts(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    def shot(guidance: float) -> dict[str, object]:
        return {"prompt": "x", "negative_prompt": "", "num_frames": 97, "guidance_scale": guidance, "cut": True}

    def flops(*guidance: float) -> float:
        recipe = recipe_of(num_frames=97 * len(guidance), shots=[shot(scale) for scale in guidance])
        return denoise_flops(recipe, facts_of(), make_plan(recipe, facts_of()).windows)

    assert flops(6, 1, 1) == 2 * flops(6) == 4 * flops(1)
