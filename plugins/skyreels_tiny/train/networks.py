"""The transformer and text encoder: their sizes, their start, and a forward pass equal to the stock one but
cheaper.

Equal because modulation is one vector per latent frame, and all zeroed text positions share one key and
value: they are merged
into one position whose logit gains log(count).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from skyreels_tiny.tokenizer import token_ids

from .stock import SkyReelsV2Transformer3DModel, Stock, UMT5Config, UMT5EncoderModel

TEXT_LENGTH: Final = 512
"""Text positions that the transformer attends to, zeroed past the prompt's end."""

GATE_START: Final = 0.25
"""First value of the residual gates; small branches keep the first steps calm."""


NEAREST: Final = (9, 1, 10, 0)
"""What the text encoder's heads look at first, as buckets of UMT5's relative positions: the next word, the one before,
the next but one, the word itself. Which of two colours is the object's is told by the word behind it.
"""

TEXT_ATTENTION: Final = ("SelfAttention.q", "SelfAttention.k")
"""Weights that Muon must not touch. UMT5 does not divide its logits by √d: at Muon's rate they grew until attention
was a choice by content alone, every word had one state wherever it stood, and which of two colours was the object's was
a guess (roles swapped in 37 of 100 films).
"""


@dataclass(frozen=True)
class Sizes:
    """Widths and depths; the default makes 4.5 million parameters."""

    layers: int = 6
    heads: int = 4
    head_dim: int = 56
    hidden: int = 576
    text: int = 128
    channels: int = 16


BlockForward = Callable[..., Tensor]
"""A block's forward pass, as `transformer_block`."""


@dataclass
class Text:
    """Encoded prompts: `states` (b, l, text) zeroed past each prompt's end, `lengths` (b,)."""

    states: Tensor
    lengths: Tensor


def new_transformer(sizes: Sizes) -> Stock:
    """Build the stock class and start it with quiet branches and a zero output."""
    model = SkyReelsV2Transformer3DModel(
        num_attention_heads=sizes.heads,
        attention_head_dim=sizes.head_dim,
        in_channels=sizes.channels,
        out_channels=sizes.channels,
        text_dim=sizes.text,
        freq_dim=128,
        ffn_dim=sizes.hidden,
        num_layers=sizes.layers,
    )
    with torch.no_grad():
        _start(model)
    return model


def _start(model: Stock) -> None:
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(0.0, module.in_features**-0.5)
            module.bias.zero_()
    for zeroed in (model.condition_embedder.time_proj, model.proj_out):
        zeroed.weight.zero_()
    for block in model.blocks:
        block.scale_shift_table.zero_()
        block.scale_shift_table[:, (2, 5)] = GATE_START
        block.attn2.to_out[0].weight.mul_(GATE_START)
    model.scale_shift_table.zero_()


def new_text_encoder(sizes: Sizes) -> Stock:
    """Build a two-layer UMT5 encoder over the demo model's vocabulary."""
    config = UMT5Config(
        vocab_size=len(token_ids()),
        d_model=sizes.text,
        d_kv=32,
        d_ff=256,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=4,
        relative_attention_num_buckets=16,
        relative_attention_max_distance=64,
        dropout_rate=0.0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    encoder = UMT5EncoderModel(config)
    with torch.no_grad():
        for name, weight in encoder.named_parameters():
            if "relative_attention_bias" in name:
                weight.zero_()
                weight[NEAREST, range(len(NEAREST))] = 8.0
    return encoder


def encode_text(encoder: Stock, ids: Tensor, mask: Tensor) -> Text:
    """Encode ids (b, l) with mask (b, l), zeroing what lies past each prompt's end."""
    states = encoder(ids, attention_mask=mask).last_hidden_state
    return Text(states * mask[..., None], mask.sum(1))


def velocity(model: Stock, latents: Tensor, timesteps: Tensor, text: Text) -> Tensor:
    """Predict v = eps − x0, (b, c, f, h, w), for latents of that shape at timesteps (b, f) in 0..1000."""
    return velocity_and_states(model, latents, timesteps, text)[0]


def velocity_and_states(
    model: Stock, latents: Tensor, timesteps: Tensor, text: Text, block_forward: BlockForward | None = None
) -> tuple[Tensor, Tensor]:
    """Predict the velocity, and return the hidden states (b, f, s, d) half way through the blocks.

    `block_forward` is `transformer_block` or a compiled form of it.
    """
    height, width = latents.shape[3:]
    states, moment, rest = _half_way(model, latents, timesteps, text, block_forward)
    tokens = states
    for block in model.blocks[len(model.blocks) // 2 :]:
        tokens = (block_forward or transformer_block)(block, tokens, *rest)
    final = model.scale_shift_table[:, None] + moment[:, :, None].float()
    shift, scale = final.unsqueeze(2).unbind(3)
    tokens = _normalised(tokens, scale, shift, model.norm_out.eps)
    return _unpatched(model.proj_out(tokens), height, width), states


def half_way_states(
    model: Stock, latents: Tensor, timesteps: Tensor, text: Text, block_forward: BlockForward | None = None
) -> Tensor:
    """Return the hidden states (b, f, s, d) half way through the blocks, at half the price."""
    return _half_way(model, latents, timesteps, text, block_forward)[0]


def _half_way(
    model: Stock, latents: Tensor, timesteps: Tensor, text: Text, block_forward: BlockForward | None
) -> tuple[Tensor, Tensor, tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
    """Return hidden states (b, f, s, d), the embedded timesteps (b, f, d), and what every block takes beside tokens."""
    frames, height, width = latents.shape[2:]
    embedder = model.condition_embedder
    tokens = functional.linear(_patched(latents), model.patch_embedding.weight.flatten(1), model.patch_embedding.bias)
    waves = embedder.timesteps_proj(timesteps.flatten()).to(latents.dtype)
    moment = embedder.time_embedder(waves).view(*timesteps.shape, -1)
    modulation = embedder.time_proj(functional.silu(moment)).view(*timesteps.shape, 6, -1)
    rest = (modulation, _text_keys(model, text), _rotation(model, frames, height // 2, width // 2))
    for block in model.blocks[: len(model.blocks) // 2]:
        tokens = (block_forward or transformer_block)(block, tokens, *rest)
    return tokens, moment, rest


def _text_keys(model: Stock, text: Text) -> tuple[Tensor, Tensor]:
    """Return projected words plus one zero position, (b, l + 1, d), and their logit bias (b, 1, 1, l + 1)."""
    batch, length, width = text.states.shape
    padded = torch.cat((text.states, text.states.new_zeros(batch, 1, width)), dim=1)
    words = model.condition_embedder.text_embedder(padded)
    lengths = text.lengths[:, None]
    bias = torch.zeros(batch, length + 1, device=words.device)
    bias[:, :length].masked_fill_(torch.arange(length, device=words.device) >= lengths, -math.inf)
    bias[:, length:] = (TEXT_LENGTH - lengths).float().log()
    return words, bias[:, None, None]


def transformer_block(
    block: Stock,
    tokens: Tensor,
    modulation: Tensor,
    text: tuple[Tensor, Tensor],
    rotation: tuple[Tensor, Tensor],
) -> Tensor:
    """Apply one block to tokens (b, f, s, d) with modulation (b, f, 6, d) and projected words with their
    bias.
    """
    table = (block.scale_shift_table + modulation.float()).unsqueeze(2).unbind(3)
    shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = table
    eps = float(block.norm1.eps)
    mixed = _self_attention(block.attn1, _normalised(tokens, scale, shift, eps), rotation)
    tokens = tokens + mixed * gate.to(tokens.dtype)
    weight, offset = block.norm2.weight.to(tokens.dtype), block.norm2.bias.to(tokens.dtype)
    normed = functional.layer_norm(tokens, tokens.shape[-1:], weight, offset, eps)
    tokens = tokens + _cross_attention(block.attn2, normed, *text)
    widened = block.ffn(_normalised(tokens, ffn_scale, ffn_shift, eps))
    out: Tensor = tokens + widened * ffn_gate.to(tokens.dtype)
    return out


def _normalised(tokens: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """Layer norm without weights, then the frame's scale and shift."""
    plain = functional.layer_norm(tokens, tokens.shape[-1:], eps=eps)
    return torch.addcmul(shift.to(plain.dtype), plain, (1 + scale).to(plain.dtype))


def _heads(x: Tensor, norm: Stock, heads: int) -> Tensor:
    """Normalise across heads and split: (b, n, d) → (b, heads, n, d / heads)."""
    if norm is not None:
        x = functional.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def _self_attention(attention: Stock, tokens: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    flat = tokens.flatten(1, 2)
    heads = int(attention.heads)
    query = _rotated(_heads(attention.to_q(flat), attention.norm_q, heads), rotation)
    key = _rotated(_heads(attention.to_k(flat), attention.norm_k, heads), rotation)
    value = _heads(attention.to_v(flat), None, heads)
    mixed = _attend(query, key, value)
    out: Tensor = attention.to_out[0](mixed.transpose(1, 2).flatten(2))
    return out.view_as(tokens)


def _cross_attention(attention: Stock, tokens: Tensor, words: Tensor, bias: Tensor) -> Tensor:
    flat = tokens.flatten(1, 2)
    heads = int(attention.heads)
    query = _heads(attention.to_q(flat), attention.norm_q, heads)
    key = _heads(attention.to_k(words), attention.norm_k, heads)
    value = _heads(attention.to_v(words), None, heads)
    mixed = _attend(query, key, value, bias.to(query.dtype))
    out: Tensor = attention.to_out[0](mixed.transpose(1, 2).flatten(2))
    return out.view_as(tokens)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attend by plain products: with bfloat16 on a CPU twice as fast as the fused kernel at 252 tokens."""
    logits = (query * query.shape[-1] ** -0.5) @ key.mT
    if bias is not None:
        logits = logits + bias
    return torch.softmax(logits, -1, dtype=logits.dtype) @ value


def _rotated(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate pairs of channels of (b, heads, n, d) by position."""
    cos, sin = rotation
    swapped = torch.stack((-x[..., 1::2], x[..., 0::2]), dim=-1).flatten(-2)
    return x * cos.to(x.dtype) + swapped * sin.to(x.dtype)


_ROTATIONS: dict[tuple[int, int, int, int], tuple[Tensor, Tensor]] = {}


def _rotation(model: Stock, frames: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (n, head_dim) of the stock rotary embedding for f, h, w tokens."""
    key = (frames, height, width, model.rope.attention_head_dim)
    if key not in _ROTATIONS:
        like = torch.empty(1, 1, frames, 2 * height, 2 * width, device=model.rope.freqs_cos.device)
        cos, sin = model.rope(like)
        _ROTATIONS[key] = (cos[0, :, 0].float(), sin[0, :, 0].float())
    return _ROTATIONS[key]


def _patched(latents: Tensor) -> Tensor:
    """Turn (b, c, f, h, w) into tokens (b, f, s, 4c) in the order of the patch embedding's weights."""
    batch, channels, frames, height, width = latents.shape
    grid = latents.view(batch, channels, frames, height // 2, 2, width // 2, 2)
    return grid.permute(0, 2, 3, 5, 1, 4, 6).flatten(4).flatten(2, 3)


def _unpatched(tokens: Tensor, height: int, width: int) -> Tensor:
    """Turn (b, f, s, 4c) into (b, c, f, h, w)."""
    batch, frames = tokens.shape[:2]
    grid = tokens.view(batch, frames, height // 2, width // 2, 2, 2, -1)
    return grid.permute(0, 6, 1, 2, 4, 3, 5).reshape(batch, -1, frames, height, width)


@lru_cache(maxsize=1)
def device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
