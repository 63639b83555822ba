"""Ulysses (Jacobs et al. 2023): ranks share the tokens, but in attention they share the heads.

diffusers' native context parallel would do it by a plan of hooks, which is exact for its own forward. Ours is another:
hooks split at module borders, while here a layer takes modulation per frame, caches run some frames only, attention may
be block-causal, and the prompt is not to be sent around. Two all-to-alls in the one place where tokens meet are shorter
than hooks that would have to be kept from doing more.

Each rank has the same part of every frame, not a run of frames: then a layer finds whole frames of its own, with the
modulation that it knows already, and a block of frames is as much work for one rank as for the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor


class Shares:
    """The shares of one group's ranks in the tokens of each frame: equal, or one more for the first of them."""

    def __init__(self, group: dist.ProcessGroup, tokens_per_frame: int) -> None:
        self._group = group
        self._rank, ranks = dist.get_rank(group), dist.get_world_size(group)
        self._sizes = [len(part) for part in torch.arange(tokens_per_frame).tensor_split(ranks)]

    def shard(self, x: Tensor, frames: int) -> Tensor:
        """Tokens of this rank: `(b, n, …)` → `(b, its share, …)`."""
        parts: Sequence[Tensor] = _by_frame(x, frames).split(self._sizes, dim=2)
        return parts[self._rank].flatten(1, 2)

    def gather(self, x: Tensor, frames: int) -> Tensor:
        """All tokens, from each rank's: `(b, share, …)` → `(b, n, …)`."""
        return self._join(self._trade([x] * len(self._sizes), x, self._sizes), frames)

    def to_heads(self, x: Tensor, frames: int) -> Tensor:
        """All tokens of this rank's heads, from all heads of its own: `(b, share, h, d)` → `(b, n, h / ranks, d)`."""
        parts = x.chunk(len(self._sizes), dim=2)
        return self._join(self._trade(parts, parts[0], self._sizes), frames)

    def to_tokens(self, x: Tensor, frames: int) -> Tensor:
        """And back: `(b, n, h / ranks, d)` → `(b, share, h, d)`."""
        parts = [part.flatten(1, 2) for part in _by_frame(x, frames).split(self._sizes, dim=2)]
        own = parts[self._rank]
        return torch.cat(self._trade(parts, own, [self._sizes[self._rank]] * len(parts)), dim=2)

    def _trade(self, parts: Sequence[Tensor], like: Tensor, shares: Sequence[int]) -> list[Tensor]:
        """Send a part to each rank and get one from each: like `like`, with so many tokens of each frame."""
        own = self._sizes[self._rank]
        counts = [like.numel() // own * share for share in shares]
        sent = torch.cat([part.reshape(-1) for part in parts])
        got = sent.new_empty(sum(counts))
        dist.all_to_all_single(got, sent, counts, [part.numel() for part in parts], self._group)
        return [part.view(like.shape[0], -1, *like.shape[2:]) for part in got.split(counts)]

    def _join(self, parts: Sequence[Tensor], frames: int) -> Tensor:
        """All tokens in their order, from each rank's share of every frame."""
        return torch.cat([_by_frame(part, frames) for part in parts], dim=2).flatten(1, 2)


def _by_frame(x: Tensor, frames: int) -> Tensor:
    by_frame: Tensor = x.unflatten(1, (frames, -1))
    return by_frame
