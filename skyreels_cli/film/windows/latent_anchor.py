"""Latent anchor: the latents of every window keep to the statistics of the first one's."""

from __future__ import annotations

import torch
from torch import Tensor

# A channel of one value has no spread to stretch.
LEAST_SPREAD = 1e-4


class LatentAnchor:
    """Mean and standard deviation per latent channel, matched to the anchor's (AdaIN, arXiv 1703.06868).

    What is matched is clean and not decoded yet, so that the next window starts from it as well. Of what differs the
    share `strength` (0 … 1) is taken away. `statistics` `(2, c)` are the anchor's, once there is one.
    """

    def __init__(self, strength: float) -> None:
        self._strength = strength
        self.statistics: Tensor | None = None

    def hold(self, latents: Tensor) -> None:
        """Let these clean latents `(c, f, h, w)`, a film's or a shot's first, be the anchor."""
        if self._strength:
            self.statistics = _statistics(latents)

    def match(self, latents: Tensor) -> Tensor:
        """Clean latents `(c, f, h, w)` with the anchor's statistics, as far as the strength goes."""
        if self.statistics is None or not latents.numel():
            return latents
        (mean, spread), (to_mean, to_spread) = (
            each.view(2, -1, 1, 1, 1) for each in (_statistics(latents), self.statistics.to(latents.device))
        )
        matched = (latents - mean) / spread.clamp(min=LEAST_SPREAD) * to_spread + to_mean
        return torch.lerp(latents, matched, self._strength)


def _statistics(latents: Tensor) -> Tensor:
    """Means and standard deviations per channel: `(2, c)`."""
    spread, mean = torch.std_mean(latents.float().flatten(1), dim=1, correction=0)
    return torch.stack([mean, spread])
