"""The seeded streams of randomness of a film; nothing else in the engine is random."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skyreels_cli.plan.plan import Window


@dataclass(frozen=True)
class Stream:
    """Randomness from a seed, for windows from `first_window` on."""

    seed: int
    first_window: int = 0


class InitialNoise:
    """The windows of a stream draw their noise from one generator, in order (as the reference does).

    It is drawn on the CPU in float32 whatever the device, so a seed gives the same film everywhere.
    """

    def __init__(self) -> None:
        self._generators: dict[Stream, torch.Generator] = {}

    def draw(self, stream: Stream, shape: Sequence[int]) -> Tensor:
        """Standard normal noise of `(c, f, h, w)`."""
        if stream not in self._generators:
            self._generators[stream] = torch.Generator().manual_seed(stream.seed)
        return torch.randn(tuple(shape), generator=self._generators[stream])


@dataclass(frozen=True)
class PrefixNoise:
    """Noise on the clean latents in front of a window's own, drawn anew for each row."""

    stream: Stream
    window: Window

    def mixed(self, latents: Tensor, row: int, share: float) -> Tensor:
        """Latents `(1, c, f, h, w)` whose prefix is such a `share` of noise (0 … 1) and the rest what it was."""
        prefix = latents[:, :, : self.window.prefix_latents]
        if not share or not prefix.numel():
            return latents
        noise = condition_noise(self.stream, self.window.index, self.window.first_row + row, prefix.shape)
        mixed = prefix * (1 - share) + noise.to(latents.device) * share
        return torch.cat([mixed, latents[:, :, self.window.prefix_latents :]], dim=2)


def condition_noise(stream: Stream, window: int, row: int, shape: Sequence[int]) -> Tensor:
    """Noise for the prefix in one row, by seed, window of the stream and row, so that resuming needs no state."""
    digest = hashlib.sha256(f"condition/{stream.seed}/{window - stream.first_window}/{row}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(tuple(shape), generator=generator)
