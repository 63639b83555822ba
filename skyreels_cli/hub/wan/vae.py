"""The video autoencoder under its original (Wan 2.1) names: what Diffusers calls each part, and its sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from skyreels_cli.hub.tensor import TensorEntry

OUTSIDE = {
    "conv1": "quant_conv",
    "conv2": "post_quant_conv",
    "encoder.conv1": "encoder.conv_in",
    "decoder.conv1": "decoder.conv_in",
    "encoder.head.0": "encoder.norm_out",
    "decoder.head.0": "decoder.norm_out",
    "encoder.head.2": "encoder.conv_out",
    "decoder.head.2": "decoder.conv_out",
}
IN_RESNET = {
    "residual.0": "norm1",
    "residual.2": "conv1",
    "residual.3": "norm2",
    "residual.6": "conv2",
    "shortcut": "conv_shortcut",
}
IN_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}
RESNETS_UP = 3
"""Residual blocks in a stage of the decoder, before its upsampling."""


def vae_name(name: str) -> str | None:
    """Diffusers' name of a parameter; None for what the autoencoder does not have."""
    module, _, parameter = name.rpartition(".")
    renamed = OUTSIDE.get(module) or _in_half(module)
    return renamed and f"{renamed}.{parameter}"


def _in_half(module: str) -> str | None:
    found = re.fullmatch(r"(encoder|decoder)\.(middle|downsamples|upsamples)\.(\d+)\.(.+)", module)
    if not found:
        return None
    half, stage, index, part = found.groups()
    inner = IN_RESNET.get(part, part)
    if stage == "middle":
        return f"{half}.mid_block.{IN_MIDDLE[index]}.{inner}" if index in IN_MIDDLE else None
    if stage == "downsamples":
        return f"{half}.down_blocks.{index}.{inner}"
    block, place = divmod(int(index), RESNETS_UP + 1)
    kind = f"resnets.{place}" if place < RESNETS_UP else "upsamplers.0"
    return f"{half}.up_blocks.{block}.{kind}.{inner}"


def vae_config(tensors: Mapping[str, TensorEntry]) -> dict[str, Any]:
    """Diffusers' config of an autoencoder with these tensors (by Diffusers' names); KeyError if one is missing.

    Its stages and the statistics of its latents are those of Wan 2.1, which every release has; the class has them as
    defaults.
    """
    return {
        "_class_name": "AutoencoderKLWan",
        "base_dim": tensors["encoder.conv_in.weight"].shape[0],
        "z_dim": tensors["post_quant_conv.weight"].shape[0],
    }
