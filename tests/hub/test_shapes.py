"""Shapes in the catalogue against diffusers' and transformers' own classes, built without memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLWan, SkyReelsV2Transformer3DModel
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, UMT5Config, UMT5EncoderModel

from skyreels_cli.hub.catalogue import RELEASES, catalogue
from skyreels_cli.hub.shapes import release_facts, transformer_tensors
from skyreels_cli.hub.weights import weights_spec

TRANSFORMERS = ("dit-1.3b-df", "dit-14b", "dit-1.3b-i2v", "dit-14b-i2v")
CLASSES = {
    "wan-2.1-vae": AutoencoderKLWan.from_config,
    "umt5-xxl": lambda config: UMT5EncoderModel(UMT5Config(**config)),
    "clip-vit-h-14": lambda config: CLIPVisionModelWithProjection(CLIPVisionConfig(**config)),
}


@pytest.mark.parametrize("part", TRANSFORMERS)
def test_tensors_of_a_transformer(part: str) -> None:
    entry = catalogue().parts[part]
    with torch.device("meta"):
        theirs = SkyReelsV2Transformer3DModel.from_config(entry.config).state_dict()
    ours = transformer_tensors(entry.config, "BF16")
    assert {name: tensor.shape for name, tensor in ours.items()} == {name: tuple(t.shape) for name, t in theirs.items()}
    assert sum(tensor.elements for tensor in ours.values()) == entry.parameters


@pytest.mark.parametrize("part", CLASSES)
def test_parameters_of_the_other_parts(part: str) -> None:
    entry = catalogue().parts[part]
    with torch.device("meta"):
        module: Any = CLASSES[part](entry.config)
    assert sum(parameter.numel() for parameter in module.parameters()) == entry.parameters


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.alias)
def test_a_release_is_of_its_family(release: Any) -> None:
    facts = release_facts(release)
    assert facts.traits.fits(facts.transformer.config, facts.latent_channels)
    spec = weights_spec(facts, "bfloat16", "fp8")
    assert spec.resident_bytes(facts.transformer) < 0.55 * 2 * facts.transformer.parameter_count
