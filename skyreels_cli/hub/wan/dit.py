"""The transformer under its original (Wan) names: what Diffusers calls each part, and its sizes, told by shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any

from skyreels_cli.hub.tensor import TensorEntry

IN_BLOCK = {
    **{f"self_attn.{part}": f"attn1.{part}" for part in ("norm_q", "norm_k")},
    **{f"cross_attn.{part}": f"attn2.{part}" for part in ("norm_q", "norm_k")},
    **{f"self_attn.{part}": f"attn1.to_{part}" for part in "qkv"},
    **{f"cross_attn.{part}": f"attn2.to_{part}" for part in "qkv"},
    "self_attn.o": "attn1.to_out.0",
    "cross_attn.o": "attn2.to_out.0",
    "cross_attn.k_img": "attn2.add_k_proj",
    "cross_attn.v_img": "attn2.add_v_proj",
    "cross_attn.norm_k_img": "attn2.norm_added_k",
    "ffn.0": "ffn.net.0.proj",
    "ffn.2": "ffn.net.2",
    "norm3": "norm2",
    "modulation": "scale_shift_table",
}
OUTSIDE = {
    "patch_embedding": "patch_embedding",
    "text_embedding.0": "condition_embedder.text_embedder.linear_1",
    "text_embedding.2": "condition_embedder.text_embedder.linear_2",
    "time_embedding.0": "condition_embedder.time_embedder.linear_1",
    "time_embedding.2": "condition_embedder.time_embedder.linear_2",
    "time_projection.1": "condition_embedder.time_proj",
    "img_emb.proj.0": "condition_embedder.image_embedder.norm1",
    "img_emb.proj.1": "condition_embedder.image_embedder.ff.net.0.proj",
    "img_emb.proj.3": "condition_embedder.image_embedder.ff.net.2",
    "img_emb.proj.4": "condition_embedder.image_embedder.norm2",
    "img_emb.emb_pos": "condition_embedder.image_embedder.pos_embed",
    "fps_embedding": "fps_embedding",
    "fps_projection.0": "fps_projection.net.0.proj",
    "fps_projection.2": "fps_projection.net.2",
    "head.head": "proj_out",
    "head.modulation": "scale_shift_table",
}
HEAD_DIM = 128
"""Width of an attention head in every released model; shapes do not tell it."""


def diffusers_name(name: str) -> str | None:
    """Diffusers' name of a module or parameter; None for what no SkyReels-V2 transformer has."""
    block = re.match(r"(blocks\.\d+\.)(.+)", name)
    start, rest, table = (block[1], block[2], IN_BLOCK) if block else ("", name, OUTSIDE)
    module, dot, parameter = rest.rpartition(".")
    if rest in table:
        return start + table[rest]
    return start + table[module] + dot + parameter if module in table else None


def original_name(name: str) -> str:
    """The Wan name of a module or parameter that Diffusers calls `name`."""
    block = re.match(r"(blocks\.\d+\.)(.+)", name)
    start, rest, table = (block[1], block[2], IN_BLOCK) if block else ("", name, OUTSIDE)
    originals = {new: old for old, new in table.items()}
    module, dot, parameter = rest.rpartition(".")
    if rest in originals:
        return start + originals[rest]
    return start + originals.get(module, module) + dot + parameter


def dit_config(tensors: Mapping[str, TensorEntry], said: Mapping[str, Any]) -> dict[str, Any]:
    """Diffusers' config of a transformer with these tensors (by Diffusers' names).

    Of what shapes do not tell, `said` may tell `num_attention_heads` and `eps`. KeyError for a tensor that every
    transformer has and this one lacks.
    """
    patches, head = tensors["patch_embedding.weight"].shape, tensors["proj_out.weight"].shape
    width, in_channels, patch = patches[0], patches[1], patches[2:]
    heads = int(said.get("num_attention_heads") or max(1, width // HEAD_DIM))
    image = tensors.get("condition_embedder.image_embedder.ff.net.0.proj.weight")
    positions = tensors.get("condition_embedder.image_embedder.pos_embed")
    return {
        "_class_name": "SkyReelsV2Transformer3DModel",
        "patch_size": list(patch),
        "num_attention_heads": heads,
        "attention_head_dim": width // heads,
        "in_channels": in_channels,
        "out_channels": head[0] // prod(patch),
        "text_dim": tensors["condition_embedder.text_embedder.linear_1.weight"].shape[1],
        "freq_dim": tensors["condition_embedder.time_embedder.linear_1.weight"].shape[1],
        "ffn_dim": tensors["blocks.0.ffn.net.0.proj.weight"].shape[0],
        "num_layers": 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks.")),
        "cross_attn_norm": "blocks.0.norm2.weight" in tensors,
        "qk_norm": "rms_norm_across_heads",
        "eps": float(said.get("eps") or 1e-6),
        "image_dim": image.shape[1] if image else None,
        "added_kv_proj_dim": width if "blocks.0.attn2.add_k_proj.weight" in tensors else None,
        "rope_max_seq_len": int(said.get("rope_max_seq_len") or 1024),
        "pos_embed_seq_len": positions.shape[1] if positions else None,
        "inject_sample_info": "fps_embedding.weight" in tensors,
    }
