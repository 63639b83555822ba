"""Self-attention of one forward pass: which tokens see which, by which kernel, on how many ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from skyreels_cli.model.attention import Spans, attend_blocks, only_spans
from skyreels_cli.model.kernels import AttentionKernel
from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.plugins.protocols import Parallel


@dataclass(frozen=True)
class SelfAttention:
    """Attention between the tokens of all ranks: all to all, or block-causal between the spans of `causal`.

    `frame_tokens` counts the tokens that one latent frame has on all ranks together. With a `kv_cache` only some frames
    need run: their tokens are at `places` of the window's, and they attend to the cached keys of the others.
    """

    parallel: Parallel
    kernel: AttentionKernel
    frame_tokens: int
    causal: Spans | None = None
    kv_cache: KVCache | None = None
    places: Tensor | None = None

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, frames: int) -> Tensor:
        """Outputs for this rank's queries; all tensors `(b, this rank's tokens of so many frames, heads, head size)`.

        `layer` is a number that no other layer has.
        """
        plain = self.kv_cache is None and self.causal is None
        return self.parallel.attend(query, key, value, frames, partial(self._attend_all, layer), plain)

    def keeping(self, kv_cache: KVCache) -> SelfAttention:
        """The same attention, with the keys and values of all tokens kept in `kv_cache`."""
        return replace(self, kv_cache=kv_cache)

    def of_frames(self, frames: Sequence[int], total: int, device: torch.device) -> SelfAttention:
        """Attention of some of `total` frames (ascending, whole blocks of a causal layout) to all of them."""
        places = (
            torch.arange(total * self.frame_tokens, device=device).unflatten(0, (total, -1))[list(frames)].flatten()
        )
        causal = only_spans(self.causal, frames, self.frame_tokens) if self.causal is not None else None
        return replace(self, causal=causal, places=places)

    def _attend_all(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of some heads between the tokens of all ranks."""
        if self.kv_cache is not None:
            key, value = self.kv_cache.exchange(layer, key, value, self.places)
        if self.causal is None:
            return self.kernel(query, key, value)
        return attend_blocks(query, key, value, self.causal, self.kernel)
