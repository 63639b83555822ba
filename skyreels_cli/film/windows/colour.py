"""Colour match: every window is brought back to the first one's colours, before the next one continues from it."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import torch
from torch import Tensor

# A channel of one value has no spread to stretch.
LEAST_SPREAD = 1e-4


class ColourMatch:
    """Mean and standard deviation per RGB channel, matched to the anchor window's (Reinhard et al. 2001).

    A window's own statistics are known only when all of it is decoded, so one window of frames is held back. The
    correction grows over the first `overlap` new frames, so that nothing jumps at the join.
    """

    def __init__(self, overlap: int) -> None:
        self._overlap = overlap
        self.anchor: Tensor | None = None

    def grade(self, decoded: Iterable[Tensor], fresh: bool) -> Generator[Tensor]:
        """The frames `(3, n, H, W)` of one window in the anchor's colours; the first one after a cut is the anchor."""
        parts = list(decoded)
        if not parts:
            return
        statistics = _statistics(parts)
        if self.anchor is None or fresh:
            self.anchor = statistics
            yield from parts
            return
        frame = 0
        for part in parts:
            ramp = torch.arange(frame + 1, frame + 1 + part.shape[1], device=part.device) / self._overlap
            yield self._match(part, statistics, ramp.clamp(max=1.0).view(1, -1, 1, 1))
            frame += part.shape[1]

    def _match(self, part: Tensor, statistics: Tensor, strength: Tensor) -> Tensor:
        assert self.anchor is not None
        (mean, spread), (to_mean, to_spread) = statistics.view(2, 3, 1, 1, 1), self.anchor.view(2, 3, 1, 1, 1)
        matched = (part - mean) / spread.clamp(min=LEAST_SPREAD) * to_spread + to_mean
        return torch.lerp(part, matched, strength).clamp(-1.0, 1.0)


def _statistics(parts: Iterable[Tensor]) -> Tensor:
    """Means and standard deviations per channel over all frames: `(2, 3)`."""
    count = torch.zeros((), dtype=torch.float64)
    total = torch.zeros(3, dtype=torch.float64)
    squares = torch.zeros(3, dtype=torch.float64)
    for part in parts:
        pixels = part.flatten(1).cpu().double()  # in this order: MPS has no float64
        count += pixels.shape[1]
        total += pixels.sum(dim=1)
        squares += pixels.square().sum(dim=1)
    mean = total / count
    spread = (squares / count - mean.square()).clamp(min=0).sqrt()
    return torch.stack([mean, spread]).to(next(iter(parts)).dtype).to(next(iter(parts)).device)
