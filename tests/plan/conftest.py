"""Recipes and model facts to plan with: the released shapes, without their weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.tensor import TensorEntry
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

TRANSFORMERS: dict[str, dict[str, Any]] = {
    "1.3B": {"num_layers": 30, "num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960},
    "14B": {"num_layers": 40, "num_attention_heads": 40, "attention_head_dim": 128, "ffn_dim": 13824},
}
PARAMETERS = {"1.3B": 1_435_500_000, "14B": 14_288_000_000}
VAE = {"base_dim": 96, "z_dim": 16, "scale_factor_temporal": 4, "scale_factor_spatial": 8}


def component(name: str, config: dict[str, Any], parameters: int) -> Component:
    """A component of one block matrix and one bias, which between them hold the parameters."""
    tensors = {
        "blocks.0.ffn.weight": TensorEntry("F32", (parameters - 1000, 1)),
        "proj_out.bias": TensorEntry("F32", (1000,)),
    }
    return Component(name, config, (), {"F32": parameters}, tensors)


@pytest.fixture(scope="session")
def facts_of() -> FactsOf:
    """Facts of a DF, T2V or I2V model in a released size."""

    def build(family: str = "df", size: str = "1.3B", native: str = "540P", **defaults: Any) -> ModelFacts:
        config = {"patch_size": [1, 2, 2], "rope_max_seq_len": 1024, **TRANSFORMERS[size]}
        return ModelFacts(
            name=f"{family}-{size}-{native}",
            folder=Path("model"),
            family=family,
            transformer=component("transformer", config, PARAMETERS[size]),
            vae=component("vae", VAE, 127_000_000),
            text_encoder=component("text_encoder", {}, 5_680_000_000),
            defaults=defaults,
        )

    return build


@pytest.fixture(scope="session")
def recipe_of() -> RecipeOf:
    """A 97-frame 540P recipe with some of its fields changed."""

    def build(**changes: Any) -> Recipe:
        plain = {
            "prompt": "a red ball",
            "negative_prompt": "",
            "model": "df-1.3b-540p",
            "resolution": "960x544",
            "num_frames": 97,
            "fps": 24,
            "seed": 0,
            "inference_steps": 30,
            "guidance_scale": 6.0,
            "shift": 8.0,
            "base_num_frames": 97,
            "overlap_history": 17,
        }
        return Recipe.model_validate(plain | changes)

    return build
