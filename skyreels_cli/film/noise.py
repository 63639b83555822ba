"""The two seeded streams of randomness of a film; nothing else in the engine is random."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


class InitialNoise:
    """The film's first stream: every window draws its noise from one generator, in order (as the reference does).

    It is drawn on the CPU in float32 whatever the device, so a seed gives the same film everywhere.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def draw(self, shape: Sequence[int]) -> Tensor:
        """Standard normal noise of `(c, f, h, w)`."""
        return torch.randn(tuple(shape), generator=self._generator)


def condition_noise(seed: int, window: int, row: int, shape: Sequence[int]) -> Tensor:
    """Noise for the prefix in one row: a stream of its own per (seed, window, row), so that resuming needs no state."""
    digest = hashlib.sha256(f"condition/{seed}/{window}/{row}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(tuple(shape), generator=generator)
