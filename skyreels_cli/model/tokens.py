"""How the tokens of a window lie in a forward pass, and in which slices the layers work on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyreels_cli.model.attention import Span, only_spans
from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.plugins.protocols import Parallel

# Tokens per slice: enough rows to fill a GEMM, few enough that the feed-forward's hidden layer stays small
# (113 MB in bfloat16 for 14B; 36 MB in float32 for 1.3B on a CPU).
SLICE_TOKENS = {"cpu": 1024}
SLICE_TOKENS_ELSEWHERE = 4096


@dataclass(frozen=True)
class Tokens:
    """How a window's tokens lie: frames × tokens per frame, their rotary phases, and who may see whom.

    Ranks share every frame: the first four fields speak of this rank's tokens, `whole_frame`, `causal` and `places` of
    all ranks'. With a `memory` only some frames may be there, whose tokens are at `places` of the window; it knows the
    keys of the others.
    """

    parallel: Parallel
    frames: int
    per_frame: int
    phases: Tensor
    whole_frame: int
    causal: tuple[tuple[Span, tuple[Span, ...]], ...] | None
    backend: str | None
    memory: KVCache | None = None
    places: Tensor | None = None

    def only(self, frames: Sequence[int] | None, memory: KVCache | None) -> Tokens:
        """These tokens with a memory, or those of some frames (ascending, whole blocks of a causal layout)."""
        if frames is None:
            return replace(self, memory=memory)
        chosen = list(frames)
        places = torch.arange(self.frames * self.whole_frame, device=self.phases.device)
        places = places.unflatten(0, (self.frames, -1))[chosen].flatten()
        phases = self.phases.unflatten(0, (self.frames, -1))[chosen].flatten(0, 1)
        causal = only_spans(self.causal, frames, self.whole_frame) if self.causal is not None else None
        return replace(self, frames=len(chosen), phases=phases, causal=causal, memory=memory, places=places)

    def slices(self, device: torch.device) -> Iterator[tuple[slice, slice]]:
        """Matching slices of frames and of tokens, a whole number of frames each."""
        budget = SLICE_TOKENS.get(device.type, SLICE_TOKENS_ELSEWHERE)
        count = -(-self.frames // max(1, budget // self.per_frame))
        step = -(-self.frames // count)  # about equal: a last slice of one frame runs its GEMMs at half the rate
        for start in range(0, self.frames, step):
            stop = min(start + step, self.frames)
            yield slice(start, stop), slice(start * self.per_frame, stop * self.per_frame)
