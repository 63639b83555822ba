"""The weights that a recipe asks for."""

from __future__ import annotations

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.weights import WeightsSpec, weights_spec
from skyreels_cli.recipe.schema import Recipe


def weights_of(recipe: Recipe, facts: ModelFacts) -> WeightsSpec:
    """The model's weights, as the recipe has them stored and changed; raises what `hub.lora.open_lora` raises."""
    return weights_spec(facts, recipe.dtype, recipe.weights_dtype, recipe.lora, recipe.vae)
