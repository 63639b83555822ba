"""How the tokens of a window lie in a forward pass, and in which slices the layers work on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.model.self_attention import SelfAttention

# Tokens per slice: enough rows to fill a GEMM, few enough that the feed-forward's hidden layer stays small
# (113 MB in bfloat16 for 14B; 36 MB in float32 for 1.3B on a CPU).
SLICE_TOKENS = {"cpu": 1024}
SLICE_TOKENS_ELSEWHERE = 4096


@dataclass(frozen=True)
class Tokens:
    """The tokens of `frames` latent frames that this rank has: frame by frame, as many of each.

    `phases` `(n, head size)` are their rotary phases, `attention` is what they attend to.
    """

    frames: int
    phases: Tensor
    attention: SelfAttention

    @property
    def per_frame(self) -> int:
        """Tokens of one frame on this rank."""
        return len(self.phases) // self.frames

    def keeping(self, kv_cache: KVCache) -> Tokens:
        """These tokens, their keys and values kept in a cache."""
        return replace(self, attention=self.attention.keeping(kv_cache))

    def only(self, frames: Sequence[int]) -> Tokens:
        """Those of some frames (ascending, whole blocks of a causal layout)."""
        phases = self.phases.unflatten(0, (self.frames, -1))[list(frames)].flatten(0, 1)
        attention = self.attention.of_frames(frames, self.frames, self.phases.device)
        return replace(self, frames=len(frames), phases=phases, attention=attention)

    def slices(self, device: torch.device) -> Iterator[tuple[slice, slice]]:
        """Matching slices of frames and of tokens, a whole number of frames each."""
        budget = SLICE_TOKENS.get(device.type, SLICE_TOKENS_ELSEWHERE)
        count = -(-self.frames // max(1, budget // self.per_frame))
        step = -(-self.frames // count)  # about equal: a last slice of one frame runs its GEMMs at half the rate
        for start in range(0, self.frames, step):
            stop = min(start + step, self.frames)
            yield slice(start, stop), slice(start * self.per_frame, stop * self.per_frame)
