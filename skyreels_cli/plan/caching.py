"""What a cache is told about a window, and how much memory it says that it keeps there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skyreels_cli.errors import PluginError, SkyreelsError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.branches import most_branches
from skyreels_cli.plan.compute import TransformerShape, tokens_per_frame
from skyreels_cli.plan.plan import Estimate, Window, Windows
from skyreels_cli.plugins.entries import removal_command
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.protocols import Branch, CacheMemory, CacheSetting
from skyreels_cli.plugins.specs import CacheSpec
from skyreels_cli.recipe.schema import Recipe


def cache_setting(
    recipe: Recipe,
    window: Window,
    *,
    family: str,
    branches: Sequence[Branch],
    tokens_per_frame: int,
    layers: int,
    width: int,
    element_bytes: int,
) -> CacheSetting:
    """What a cache is told about a window before it begins; `branches` are those computed here."""
    return CacheSetting(
        family=family,
        window=window.index,
        rows=window.rows,
        steps=recipe.inference_steps,
        branches=tuple(branches),
        blocks=block_spans(window),
        tokens_per_frame=tokens_per_frame,
        layers=layers,
        width=width,
        element_bytes=element_bytes,
    )


def block_spans(window: Window) -> tuple[tuple[int, int], ...]:
    """The ranges of latent frames that share a noise level, the end frame's latent as one of its own."""
    spans = tuple((block.start, block.stop) for block in window.blocks)
    return spans + ((window.latents, window.forward_latents),) * window.end_frame


def cache_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows, element_bytes: int) -> Estimate | None:
    """Bytes that the recipe's cache keeps in the longest window; None without a cache that says so."""
    if recipe.cache is None:
        return None
    shape = TransformerShape.of(facts)
    setting = cache_setting(
        recipe,
        max((part for run in windows.runs for part in run.first.passes), key=lambda part: part.forward_latents),
        family=facts.family,
        branches=most_branches(recipe, windows),
        tokens_per_frame=tokens_per_frame(recipe, facts),
        layers=shape.layers,
        width=shape.dim,
        element_bytes=element_bytes,
    )
    memory = stated_memory(recipe.cache, setting, recipe.options.get(recipe.cache, {}))
    if memory is None:
        return None
    return Estimate(float(memory.size), "B", f"the cache {recipe.cache} keeps {memory.basis}")


def stated_memory(cache: str, setting: CacheSetting, options: Mapping[str, Any]) -> CacheMemory | None:
    """What a cache says that it keeps of a window; None if its spec says nothing.

    PluginError `plugin-broken` if what it says is no `CacheMemory`.
    """
    known = plugins()
    spec = known.find(CacheSpec, cache)
    if spec.memory is None:
        return None
    state = known.load(spec, spec.memory)
    try:
        memory = state(setting, make_options(spec, options))
        return CacheMemory(int(memory.size), str(memory.basis))
    except SkyreelsError:
        raise
    except Exception as error:
        entry = known.owner(spec)
        message = f"cache {cache}: {entry}: {spec.memory} does not say what memory it keeps: {error}"
        raise PluginError("plugin-broken", message, removal_command(entry)) from error
