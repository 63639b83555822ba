"""Small models: the golden one, and random ones as twins of diffusers' own over the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLWan, SkyReelsV2Transformer3DModel

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.model.transformer import Transformer

GOLDEN = Path(__file__).parents[1] / "golden"

Twins = Callable[..., tuple[SkyReelsV2Transformer3DModel, Transformer]]


@pytest.fixture(scope="session")
def facts() -> ModelFacts:
    """The golden DF model."""
    return open_folder(GOLDEN / "model", "golden")


@pytest.fixture(scope="session")
def vae(facts: ModelFacts) -> AutoencoderKLWan:
    """Its VAE, as diffusers loads it."""
    return AutoencoderKLWan.from_pretrained(facts.folder / "vae").eval().requires_grad_(False)


@pytest.fixture(scope="session")
def twins() -> Twins:
    """Diffusers' transformer and ours with the same random parameters, none of them 0 or 1."""

    def make(seed: int = 0, **config: Any) -> tuple[SkyReelsV2Transformer3DModel, Transformer]:
        torch.manual_seed(seed)
        small = {"num_attention_heads": 2, "attention_head_dim": 12, "ffn_dim": 40, "num_layers": 2}
        config = {**small, "text_dim": 20, "freq_dim": 32, "rope_max_seq_len": 64, **config}
        theirs = SkyReelsV2Transformer3DModel(**config).eval().requires_grad_(False)
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        ours = Transformer(**config).eval().requires_grad_(False)
        ours.load_state_dict(theirs.state_dict())
        return theirs, ours

    return make
