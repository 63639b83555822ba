"""What is picked for what is free: the quickest way that fits, and the VAE as it is for as long as that can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.shapes import release_facts
from skyreels_cli.plan.advice import plan_of
from skyreels_cli.plan.fitting import OFFLOADS, VAES, Way, fit
from skyreels_cli.plan.machine import CONTEXT_BYTES, SLACK, Machine
from skyreels_cli.plan.memory import needs
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe
from tests.benchmarks import bench_fits

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]
LARGE = Machine.with_card("a card", 200e9, 400e9)


def card(gigabytes: float, ram: float = 64) -> Machine:
    return replace(LARGE, device_bytes=gigabytes * 1e9, ram_bytes=ram * 1e9)


def test_the_table_of_all_models_on_all_cards_is_as_committed() -> None:
    made = bench_fits.choices()
    assert len({one["model"] for one in made}) == 8
    assert made == json.loads((bench_fits.RESULTS / "bench_fits.json").read_text())
    assert bench_fits.table(made) == (bench_fits.RESULTS / "bench_fits.md").read_text()


def test_every_choice_takes_no_more_than_is_free_and_what_does_not_fit_has_a_way_out() -> None:
    for one in json.loads((bench_fits.RESULTS / "bench_fits.json").read_text()):
        if one["way"]:
            assert one["device_gb"] * SLACK + CONTEXT_BYTES / 1e9 <= one["free_gb"] + 0.1
            assert one["host_gb"] <= 64
        else:
            assert one["nearest"].startswith("--")


def picked(recipe: Recipe, facts: ModelFacts, machine: Machine, *weights: str) -> Way:
    windows = make_plan(recipe, facts).windows
    return fit(recipe, facts, windows, machine, weights, VAES)  # type: ignore[arg-type]


def test_the_first_way_that_fits_in_an_order_that_gives_up_speed_before_frames(
    recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    recipe, facts = recipe_of(), facts_of(size="14B")
    windows = make_plan(recipe, facts).windows
    order = []
    for vae in VAES:
        for dtype in ("file", "fp8"):
            changed = recipe.model_copy(update={"vae": vae, "weights_dtype": dtype})
            found = needs(changed, facts, windows)
            order += [((offload, dtype, vae), found[offload]) for offload in OFFLOADS]
    for gigabytes in (5, 6, 7, 8, 9, 11, 12, 13, 17, 20, 24, 30, 36, 44, 80):
        machine = card(gigabytes, ram=64)
        expected = next((way for way, need in order if machine.holds(need.device, need.host)), None)
        way = picked(recipe, facts, machine, "file", "fp8")
        assert (way.fits, (way.offload, way.weights_dtype, way.vae) if way.fits else None) == (
            expected is not None,
            expected,
        )


def test_eight_bits_only_where_they_are_allowed(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe, facts = recipe_of(), facts_of(size="14B")
    for ram in (64, 20):  # in 20 GB of RAM 28.6 GB of weights do not rest
        said = picked(recipe, facts, card(24, ram))
        allowed = picked(recipe, facts, card(24, ram), "file", "fp8")
        assert said.weights_dtype == "file"
        assert said.fits == (ram == 64)
        assert (allowed.fits, allowed.weights_dtype) == (True, "file" if ram == 64 else "fp8")


def test_why_is_said_with_what_would_have_been_too_much(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    way = picked(recipe_of(), facts_of(size="14B"), card(24))
    assert way.because == ("takes 10.7 GB of 24.0 GB free on a card; none would take 39.3 GB; model would take 31.7 GB")
    short = picked(recipe_of(), facts_of(size="14B"), card(7))
    assert short.called == "stream, VAE bfloat16"
    assert short.because.endswith("model would take 31.7 GB; stream would take 10.7 GB")


def test_a_recipe_changes_only_as_the_way_says(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe, facts = recipe_of(), facts_of(size="14B")
    assert picked(recipe, facts, card(80)).applied(recipe) is recipe
    changed = picked(recipe, facts, card(8)).applied(recipe)
    assert changed == recipe.model_copy(update={"vae": "bfloat16"})
    notes = make_plan(changed, facts).notes
    assert [note for note in notes if "VAE" in note] == [
        "The VAE computes in bfloat16: frames differ a little (about 60 dB) from those of --vae float32."
    ]


def test_a_cpu_has_one_memory_and_nothing_to_offload_to(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe, facts = recipe_of(), facts_of()
    windows = make_plan(recipe, facts).windows
    for gigabytes in (8, 64):
        way = fit(recipe, facts, windows, Machine.cpu(4, gigabytes * 1e9))
        assert (way.offload, way.vae, way.fits) == ("none", "float32", gigabytes == 64)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_decoding_takes_is_what_is_counted(dtype: str) -> None:
    """Live storage of diffusers' own VAE on the meta device, while our decoder runs; encoding takes less."""
    import torch
    from diffusers import AutoencoderKLWan

    from skyreels_cli.hub.catalogue import RELEASES
    from skyreels_cli.model.vae import VideoDecoder, encode_frames
    from tests.live_storage import LiveStorage

    _, recipe = plan_of(release_facts(RELEASES[0]), "960x544")
    planned = make_plan(recipe.model_copy(update={"vae": dtype}), release_facts(RELEASES[0])).estimates["vae_decode"]
    with torch.device("meta"):
        vae = AutoencoderKLWan().to(getattr(torch, dtype)).requires_grad_(False)
        latents, frames = torch.empty(16, 3, 68, 120), torch.empty(3, 9, 544, 960)
    with LiveStorage() as decoding:
        for _ in VideoDecoder(vae).decode(latents):
            pass
    with LiveStorage() as encoding:
        encode_frames(vae, frames)
    assert 0.97 * planned.value < decoding.peak <= planned.value
    assert encoding.peak < decoding.peak


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("alias", "resolution"), [("df-1.3b-540p", "960x544"), ("df-14b-720p", "1280x720")])
def test_what_a_forward_pass_takes_is_what_is_counted(alias: str, resolution: str, dtype: str) -> None:
    """Live storage of two layers on the meta device, where the attention kernel makes nothing but its output."""
    import torch

    from skyreels_cli.hub.catalogue import RELEASES
    from skyreels_cli.model.host_weights import tensors_of
    from skyreels_cli.model.text_context import TextContext
    from skyreels_cli.model.transformer import Transformer
    from tests.live_storage import LiveStorage

    facts = release_facts(next(release for release in RELEASES if release.alias == alias))
    plan, recipe = plan_of(facts, resolution)
    planned = make_plan(recipe.model_copy(update={"dtype": dtype}), facts).estimates["activations"]
    (window,), number = plan.windows, getattr(torch, dtype)
    config = {**facts.transformer.config, "num_layers": 2}
    kept = Transformer._keep_in_fp32_modules
    with torch.device("meta"):
        model = Transformer.from_config(config).requires_grad_(False)
        for name, parameter in model.named_parameters():
            if not any(part in kept for part in name.split(".")):
                parameter.data = parameter.data.to(number)
        latents = torch.empty(1, 16, window.latents, recipe.height // 8, recipe.width // 8, dtype=number)
        text, times = torch.empty(1, 512, config["text_dim"], dtype=number), torch.empty(1, window.latents)
    model.attention = lambda query, key, value: torch.empty_like(query)  # type: ignore[assignment]
    with LiveStorage([*tensors_of(model), latents, text, times]) as forward:
        model(latents, times, TextContext(text), fps=24)
    assert 0.8 * planned.value < forward.peak <= planned.value
