"""The image encoder under its original names: what transformers calls each part, and its sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt
from typing import Any

from skyreels_cli.hub.tensor import TensorEntry

OUTSIDE = {
    "visual.cls_embedding": "vision_model.embeddings.class_embedding",
    "visual.pos_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.patch_embedding.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.pre_norm.weight": "vision_model.pre_layrnorm.weight",
    "visual.pre_norm.bias": "vision_model.pre_layrnorm.bias",
    "visual.post_norm.weight": "vision_model.post_layernorm.weight",
    "visual.post_norm.bias": "vision_model.post_layernorm.bias",
}
IN_LAYER = {
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
    "attn.proj": "self_attn.out_proj",
    "mlp.0": "mlp.fc1",
    "mlp.2": "mlp.fc2",
}
BATCHED = ("vision_model.embeddings.class_embedding", "vision_model.embeddings.position_embedding.weight")
FUSED = "attn.to_qkv"
HEADS = 16
"""Of ViT-H/14; shapes do not tell it."""


def clip_names(name: str) -> list[str]:
    """transformers' names of a parameter: three where queries, keys and values are fused; none for the text tower."""
    layer = re.fullmatch(r"visual\.transformer\.(\d+)\.(.+)\.(weight|bias)", name)
    if not layer:
        return [OUTSIDE[name]] if name in OUTSIDE else []
    index, part, parameter = layer.groups()
    inner = (
        [f"self_attn.{one}_proj" for one in "qkv"] if part == FUSED else [IN_LAYER[part]] if part in IN_LAYER else []
    )
    return [f"vision_model.encoder.layers.{index}.{module}.{parameter}" for module in inner]


def clip_config(tensors: Mapping[str, TensorEntry]) -> dict[str, Any]:
    """transformers' config of a vision tower with these tensors (by its names); KeyError if one is missing."""
    width, _, patch, _ = tensors["vision_model.embeddings.patch_embedding.weight"].shape
    positions = tensors["vision_model.embeddings.position_embedding.weight"].shape[0]
    layers = [name.split(".")[3] for name in tensors if name.startswith("vision_model.encoder.layers.")]
    return {
        "architectures": ["CLIPVisionModelWithProjection"],
        "hidden_size": width,
        "intermediate_size": tensors["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": 1 + max(map(int, layers)),
        "num_attention_heads": HEADS,
        "patch_size": patch,
        "image_size": isqrt(positions - 1) * patch,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
    }
