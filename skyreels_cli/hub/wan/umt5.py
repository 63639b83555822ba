"""The text encoder under its original (Wan) names: what transformers calls each part, and its sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from skyreels_cli.hub.tensor import TensorEntry

IN_BLOCK = {
    "attn.q": "layer.0.SelfAttention.q",
    "attn.k": "layer.0.SelfAttention.k",
    "attn.v": "layer.0.SelfAttention.v",
    "attn.o": "layer.0.SelfAttention.o",
    "pos_embedding.embedding": "layer.0.SelfAttention.relative_attention_bias",
    "norm1": "layer.0.layer_norm",
    "ffn.gate.0": "layer.1.DenseReluDense.wi_0",
    "ffn.fc1": "layer.1.DenseReluDense.wi_1",
    "ffn.fc2": "layer.1.DenseReluDense.wo",
    "norm2": "layer.1.layer_norm",
}
OUTSIDE = {"token_embedding.weight": "shared.weight", "norm.weight": "encoder.final_layer_norm.weight"}


def umt5_name(name: str) -> str | None:
    """transformers' name of a parameter; None for what no UMT5 encoder has."""
    block = re.fullmatch(r"blocks\.(\d+)\.(.+)\.weight", name)
    if not block:
        return OUTSIDE.get(name)
    part = IN_BLOCK.get(block[2])
    return part and f"encoder.block.{block[1]}.{part}.weight"


def umt5_config(tensors: Mapping[str, TensorEntry]) -> dict[str, Any]:
    """transformers' config of an encoder with these tensors (by transformers' names); KeyError if one is missing."""
    vocabulary, width = tensors["shared.weight"].shape
    first = "encoder.block.0.layer."
    buckets, heads = tensors[f"{first}0.SelfAttention.relative_attention_bias.weight"].shape
    return {
        "architectures": ["UMT5EncoderModel"],
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": tensors[f"{first}0.SelfAttention.q.weight"].shape[0] // heads,
        "d_ff": tensors[f"{first}1.DenseReluDense.wi_0.weight"].shape[0],
        "num_layers": 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.block.")),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": 128,
        "feed_forward_proj": "gated-gelu",
        "layer_norm_epsilon": 1e-6,
    }
