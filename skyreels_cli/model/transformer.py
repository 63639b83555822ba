"""SkyReels-V2's diffusion transformer with a forward of our own.

Modules and names of weights are diffusers'; the arithmetic is the same to rounding. What differs is how it
is done: modulation stays per latent frame, work is cut into slices of tokens so that nothing larger than the queries,
keys and values exists, no mask is built, and the prompt's keys are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from skyreels_cli.model.attention import Span, causal_spans, rotary_frequencies, rotate
from skyreels_cli.model.kernels import SDPA, AttentionKernel
from skyreels_cli.model.layer_pass import LayerPass, Shortcut
from skyreels_cli.model.libraries import (
    SkyReelsV2Transformer3DModel,
    SkyReelsV2TransformerBlock,
    register_to_config,
)
from skyreels_cli.model.self_attention import SelfAttention
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.text_context import Context, KeyValue, Source, TextContext
from skyreels_cli.model.tokens import Tokens
from skyreels_cli.plugins.protocols import Parallel


class TransformerLayer(SkyReelsV2TransformerBlock):
    """One layer of the transformer; it changes the hidden states in place, slice by slice."""

    def forward(
        self, hidden_states: Tensor, text: TextContext, context: Context, modulation: Tensor, tokens: Tokens
    ) -> Tensor:
        """`hidden_states` (b, n, d), `context` (b, tokens, d) each, `modulation` (b, f, 6, d) → (b, n, d)."""
        shift, scale, gate, ff_shift, ff_scale, ff_gate = (
            self.scale_shift_table.unsqueeze(1) + modulation.float()
        ).unbind(2)
        attended = self._self_attention(hidden_states, shift, scale, tokens)
        known = partial(text.keys_and_values, id(self), tokens=hidden_states.shape[1])
        attended_to = [known("text", compute=lambda: self._text_keys(context["text"]))]
        if "image" in context:
            attended_to.append(known("image", compute=lambda: self._image_keys(context["image"])))
        for frames, part in tokens.slices(hidden_states.device):
            x, how = hidden_states[:, part], (ff_shift[:, frames], ff_scale[:, frames], ff_gate[:, frames])
            self._finish(x, attended[:, part], gate[:, frames], attended_to, tokens.attention.kernel, *how)
        return hidden_states

    def compile_parts(self, backend: str) -> None:
        """Compile what is done before and behind self-attention, which stays what plugins, caches and ranks make it.

        Layers that are alike share what is compiled, since they share the code.
        """
        for part in (self._offer, self._finish):
            setattr(self, part.__name__, torch.compile(part, fullgraph=True, backend=backend))

    def _self_attention(self, hidden_states: Tensor, shift: Tensor, scale: Tensor, tokens: Tokens) -> Tensor:
        """Attention between all tokens, before the output projection: (b, n, d)."""
        heads = self.attn1.heads
        query, key, value = (torch.empty_like(hidden_states).unflatten(2, (heads, -1)) for _ in range(3))
        for frames, part in tokens.slices(hidden_states.device):
            x, out = hidden_states[:, part], (query[:, part], key[:, part], value[:, part])
            self._offer(x, shift[:, frames], scale[:, frames], tokens.phases[part], *out)
        attended = tokens.attention.attend(id(self), query, key, value, tokens.frames)
        return attended.flatten(2).type_as(hidden_states)

    def _offer(
        self, x: Tensor, shift: Tensor, scale: Tensor, phases: Tensor, query: Tensor, key: Tensor, value: Tensor
    ) -> None:
        """Write what a slice `x` (b, n, d) asks and offers in self-attention to the last three (b, n, heads, size)."""
        heads = self.attn1.heads
        normed = _modulate(self.norm1, x, shift, scale)
        rotate(self.attn1.norm_q(self.attn1.to_q(normed)).unflatten(2, (heads, -1)), phases, out=query)
        rotate(self.attn1.norm_k(self.attn1.to_k(normed)).unflatten(2, (heads, -1)), phases, out=key)
        value.copy_(self.attn1.to_v(normed).unflatten(2, (heads, -1)))

    def _finish(
        self,
        x: Tensor,
        attended: Tensor,
        gate: Tensor,
        attended_to: Sequence[KeyValue],
        kernel: AttentionKernel,
        ff_shift: Tensor,
        ff_scale: Tensor,
        ff_gate: Tensor,
    ) -> None:
        """Add to a slice `x` (b, n, d), in place, all that comes behind self-attention."""
        _add_gated(x, self.attn1.to_out[0](attended), gate)
        x += self._cross_attention(x, attended_to, kernel)
        _add_gated(x, self.ffn(_modulate(self.norm3, x, ff_shift, ff_scale)), ff_gate)

    def _cross_attention(self, x: Tensor, attended_to: Sequence[KeyValue], kernel: AttentionKernel) -> Tensor:
        """Attention to the text and, apart from it, to the image, added up before the output projection."""
        normed = self.norm2(x.float()).type_as(x)
        query = self.attn2.norm_q(self.attn2.to_q(normed)).unflatten(2, (self.attn2.heads, -1))
        attended = [kernel(query, key, value).flatten(2).type_as(x) for key, value in attended_to]
        return self.attn2.to_out[0](sum(attended[1:], start=attended[0]))

    def _text_keys(self, text_states: Tensor) -> KeyValue:
        key = self.attn2.norm_k(self.attn2.to_k(text_states))
        value = self.attn2.to_v(text_states)
        return key.unflatten(2, (self.attn2.heads, -1)), value.unflatten(2, (self.attn2.heads, -1))

    def _image_keys(self, image_states: Tensor) -> KeyValue:
        key = self.attn2.norm_added_k(self.attn2.add_k_proj(image_states))
        value = self.attn2.add_v_proj(image_states)
        return key.unflatten(2, (self.attn2.heads, -1)), value.unflatten(2, (self.attn2.heads, -1))


class Transformer(SkyReelsV2Transformer3DModel):
    """The denoiser: predicts the flow velocity of every latent frame (Wan 2.1 DiT with diffusion forcing)."""

    _no_split_modules: ClassVar = ["TransformerLayer"]
    _repeated_blocks: ClassVar = ["TransformerLayer"]
    attention: AttentionKernel = SDPA
    parallel: Parallel = SINGLE_PROCESS

    @register_to_config
    def __init__(
        self,
        patch_size: tuple[int, int, int] = (1, 2, 2),
        num_attention_heads: int = 16,
        attention_head_dim: int = 128,
        in_channels: int = 16,
        out_channels: int = 16,
        text_dim: int = 4096,
        freq_dim: int = 256,
        ffn_dim: int = 8192,
        num_layers: int = 32,
        cross_attn_norm: bool = True,
        qk_norm: str | None = "rms_norm_across_heads",
        eps: float = 1e-6,
        image_dim: int | None = None,
        added_kv_proj_dim: int | None = None,
        rope_max_seq_len: int = 1024,
        pos_embed_seq_len: int | None = None,
        inject_sample_info: bool = False,
        num_frame_per_block: int = 1,
    ) -> None:
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**{**arguments, "num_layers": 0})
        width = num_attention_heads * attention_head_dim
        self.blocks = nn.ModuleList(
            TransformerLayer(width, ffn_dim, num_attention_heads, qk_norm, cross_attn_norm, eps, added_kv_proj_dim)
            for _ in range(num_layers)
        )
        self.register_to_config(num_layers=num_layers)

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        text: TextContext,
        fps: int | None = None,
        causal_blocks: Sequence[Span] | None = None,
        shortcut: Shortcut | None = None,
    ) -> Tensor:
        """Velocity of `hidden_states` (b, c, f, h, w) at `timestep`: (b, f) per frame, or (b,) for T2V models.

        `fps` matters only to models with `inject_sample_info`; `causal_blocks` turns on block-causal attention
        between these ranges of latent frames; a `shortcut` lets a cache decide what the layers do.
        """
        _, _, frames, height, width = hidden_states.shape
        patch_h, patch_w = self.config.patch_size[1:]
        per_frame = (height // patch_h) * (width // patch_w)
        causal = causal_spans(causal_blocks, frames, per_frame) if causal_blocks is not None else None
        phases = self.parallel.shard(rotary_frequencies(self.rope, hidden_states).unsqueeze(0), frames)[0]
        tokens = Tokens(frames, phases, SelfAttention(self.parallel, self.attention, per_frame, causal))
        head, modulation = self._time_embedding(timestep, fps, frames, text.embeddings.dtype)
        context = self._context(text)
        x = self.patch_embedding(hidden_states).flatten(2).transpose(1, 2)
        x = self.parallel.shard(x, frames).contiguous()
        if shortcut is None:
            for layer in self.blocks:
                x = layer(x, text, context, modulation, tokens)
        else:
            call = LayerPass(shortcut, self.blocks, (text, context), tokens, head, modulation)
            x = shortcut.cache.run(x, call)
        return self._velocity(x, head, tokens, height // patch_h, width // patch_w)

    def compile_layers(self, backend: str = "inductor") -> None:
        """Have torch compile the layers when they are first called: half a minute, then less traffic of memory."""
        for layer in self.blocks:
            assert isinstance(layer, TransformerLayer)
            layer.compile_parts(backend)

    def _context(self, text: TextContext) -> Context:
        """The text, and the image if the model takes one, in the width of the layers."""
        embedder = self.condition_embedder
        context: dict[Source, Tensor] = {"text": text.projected("text", embedder.text_embedder)}
        if text.image is not None:
            context["image"] = text.projected("image", embedder.image_embedder)
        return context

    def _time_embedding(
        self, timestep: Tensor, fps: int | None, frames: int, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Embedding for the head (b, f, d) and modulation of the layers (b, f, 6, d), one per latent frame."""
        embedder = self.condition_embedder
        waves = embedder.timesteps_proj(timestep)
        time = embedder.time_embedder(waves.to(embedder.time_embedder.linear_1.weight.dtype)).to(dtype)
        modulation = embedder.time_proj(embedder.act_fn(time)).unflatten(-1, (6, -1))
        if self.config.inject_sample_info:
            fps_class = torch.tensor([0 if fps == 16 else 1], device=time.device)
            injected = self.fps_projection(self.fps_embedding(fps_class)).unflatten(1, (6, -1))
            modulation = modulation + (injected.unsqueeze(1) if timestep.ndim == 2 else injected)
        if timestep.ndim == 1:
            time, modulation = time.unsqueeze(1), modulation.unsqueeze(1)
        return time.expand(-1, frames, -1), modulation.expand(-1, frames, -1, -1)

    def _velocity(self, x: Tensor, head: Tensor, tokens: Tokens, rows: int, columns: int) -> Tensor:
        """Output norm, projection and unpatchify: (b, n, d) → (b, c, f, h, w)."""
        shift, scale = (self.scale_shift_table.unsqueeze(1) + head.unsqueeze(2)).unbind(2)
        patch_t, patch_h, patch_w = self.config.patch_size
        parts = [
            self.proj_out(_modulate(self.norm_out, x[:, part], shift[:, frames], scale[:, frames]))
            for frames, part in tokens.slices(x.device)
        ]
        patches = self.parallel.gather(torch.cat(parts, dim=1), tokens.frames)
        patches = patches.unflatten(1, (tokens.frames, rows, columns))
        patches = patches.unflatten(-1, (patch_t, patch_h, patch_w, -1))
        return patches.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3)


def _modulate(norm: nn.Module, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """norm(x)·(1 + scale) + shift with one shift and scale per frame: `x` (b, n, d), the others (b, f, d)."""
    normed = norm(x.float()).unflatten(1, (shift.shape[1], -1))
    return torch.addcmul(shift.unsqueeze(2), normed, 1 + scale.unsqueeze(2)).flatten(1, 2).type_as(x)


def _add_gated(x: Tensor, update: Tensor, gate: Tensor) -> None:
    """x += update·gate in place and in float32, one gate per frame: `x`, `update` (b, n, d), `gate` (b, f, d)."""
    total = x.float().unflatten(1, (gate.shape[1], -1))
    total.addcmul_(update.float().unflatten(1, (gate.shape[1], -1)), gate.unsqueeze(2))
    if x.dtype != torch.float32:
        x.copy_(total.flatten(1, 2))
