"""The memory that a cache keeps is part of the plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from skyreels_blockcache import plugin

from skyreels_cli.errors import PluginError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plugins.manager import Plugins
from skyreels_cli.plugins.protocols import CacheMemory, CacheSetting
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]


@pytest.mark.parametrize(("size", "keys_gigabytes"), [("1.3B", 9.4), ("14B", 41.8)])
def test_blockcache_keeps_the_keys_of_each_branch(
    size: str, keys_gigabytes: float, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    """2 · layers · tokens · width · 2 bytes, and what it predicts from; the plan's peaks count them."""
    facts, plain = facts_of(size=size), make_plan(recipe_of(), facts_of(size=size))
    for guidance, branches in ((6.0, 2), (1.0, 1)):
        plan = make_plan(recipe_of(cache="blockcache", guidance_scale=guidance), facts)
        cache = plan.estimates["cache"]
        assert cache.unit == "B"
        assert cache.basis.startswith("the cache blockcache keeps keys and values of ")
        per_branch = (cache.value - 2 * _hidden_states(facts)) / branches
        assert per_branch / 1e9 == pytest.approx(keys_gigabytes + 2 * _hidden_states(facts) / 1e9, abs=0.05)
        said = {name: estimate.value for name, estimate in plan.estimates.items()}
        working = said["activations"] + said["cache"]
        weights = said["weights_transformer"] + said["weights_vae"]
        assert said["activations"] == plain.estimates["activations"].value
        assert said["memory"] == max(said["weights_text_encoder"], weights + max(working, said["vae_decode"]))
        assert said["memory_offload_model"] >= said["weights_transformer"] + working
        assert said["memory_offload_stream"] >= working


def _hidden_states(facts: ModelFacts) -> int:
    config = facts.transformer.config
    return int(51_000 * config["num_attention_heads"] * config["attention_head_dim"] * 2)


def test_without_a_cache_nothing_is_said(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    assert "cache" not in make_plan(recipe_of(), facts_of()).estimates


def test_bytes_follow_the_dtype(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    half, full = (
        make_plan(recipe_of(cache="teacache", dtype=d), facts_of()).estimates["cache"] for d in ("bfloat16", "float32")
    )
    assert full.value == 2 * half.value


def test_a_cache_is_told_the_longest_window(
    recipe_of: RecipeOf, facts_of: FactsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[CacheSetting] = []

    def kept(setting: CacheSetting, options: plugin.BlockCacheOptions) -> CacheMemory:
        told.append(setting)
        assert options.order == 0
        return CacheMemory(7, "a little")

    monkeypatch.setattr(plugin, "kept_memory", kept)
    options = {"blockcache": {"order": 0}}
    plan = make_plan(recipe_of(num_frames=177, cache="blockcache", options=options, ar_step=5), facts_of(size="14B"))
    (setting,) = told
    assert (setting.family, setting.branches, setting.blocks[-1]) == ("df", ("cond", "uncond"), (24, 25))
    assert (setting.layers, setting.width, setting.tokens_per_frame, setting.element_bytes) == (40, 5120, 2040, 2)
    assert setting.rows == plan.windows[0].rows
    assert (plan.estimates["cache"].value, plan.estimates["cache"].basis) == (7, "the cache blockcache keeps a little")


@pytest.mark.parametrize("said", [None, 1 / 3, ZeroDivisionError("by nothing")])
def test_a_cache_that_says_nonsense_is_broken(
    said: object, recipe_of: RecipeOf, facts_of: FactsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(setting: CacheSetting, options: object) -> object:
        if isinstance(said, Exception):
            raise said
        return said

    monkeypatch.setattr(plugin, "kept_memory", kept)
    with pytest.raises(PluginError) as raised:
        make_plan(recipe_of(cache="blockcache"), facts_of())
    assert raised.value.code == "plugin-broken"
    assert "cache blockcache" in raised.value.message


def test_a_cache_of_an_older_plugin_is_noted(
    recipe_of: RecipeOf, facts_of: FactsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from skyreels_cli.plugins.specs import CacheSpec

    find = Plugins.find

    def without_memory(self: Plugins, kind: type, name: str) -> object:
        spec = find(self, kind, name)
        return replace(spec, memory=None) if isinstance(spec, CacheSpec) else spec

    monkeypatch.setattr(Plugins, "find", without_memory)
    plan = make_plan(recipe_of(cache="teacache"), facts_of())
    assert "cache" not in plan.estimates
    assert "The cache teacache does not say how much memory it keeps: the plan does not count it." in plan.notes
