"""Diffusion forcing's noise levels: what each latent frame of a training sample is worth (Chen et al. 2024,
adapted).

Every way in which the engine samples occurs: all frames alike, a clean prefix (image or overlap), blocks
that lag, an end frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

MODES: Final = ("sync", "prefix", "staggered", "independent")
SHARES: Final = (0.43, 0.24, 0.24, 0.09)
END_FRAME_SHARE: Final = 0.2
"""Share of batches with one more latent: the last frame alone, clean, at the position after the window."""

_OVERLAP: Final = 5
"""Latent frames of the usual overlap: 17 pixel frames."""


@dataclass
class NoiseLevels:
    """Noise levels sigma (b, f) in 0..1, which latents count in the loss (b, f), and the mode of each
    sample.
    """

    sigma: Tensor
    counts: Tensor
    modes: list[str]


def shifted(u: Floats, shift: float) -> Floats:
    """Spend more of the levels where noise is high: shift·u / (1 + (shift − 1)·u)."""
    spent: Floats = shift * u / (1 + (shift - 1) * u)
    return spent


def draw_levels(frames: int, settled: list[bool], shift: float, rng: np.random.Generator) -> NoiseLevels:
    """Draw levels for a batch; the common level is stratified over it, and `settled` clips always get a
    prefix.
    """
    batch = len(settled)
    common = (rng.permutation(batch) + rng.random(batch)) / batch
    sigma, counts, modes = np.empty((batch, frames)), np.ones((batch, frames), bool), []
    for i in range(batch):
        mode = "prefix" if settled[i] else str(rng.choice(MODES, p=SHARES))
        mode = mode if frames > 1 else "sync"
        sigma[i] = shifted(_progress(mode, float(common[i]), frames, rng), shift)
        ready = _prefix(mode, settled[i], frames, rng)
        sigma[i, :ready] = _condition_level(rng)
        counts[i, :ready] = False
        modes.append(mode)
    counts &= sigma > 0.004
    return NoiseLevels(torch.from_numpy(np.minimum(sigma, 0.999)).float(), torch.from_numpy(counts), modes)


def _progress(mode: str, level: float, frames: int, rng: np.random.Generator) -> Floats:
    """Return unshifted levels u (f,), 1 = noise: equal, independent, or later blocks behind earlier ones."""
    if mode == "independent":
        return rng.random(frames)
    if mode != "staggered":
        return np.full(frames, level)
    block, lag = int(rng.choice((1, 1, 2, 3, 5))), float(rng.uniform(0.03, 0.3))
    later = np.arange(frames) // block * lag
    levels: Floats = np.clip(level * (1 + later[-1]) - later[-1] + later, 0.0, 1.0)
    return levels


def _prefix(mode: str, settled: bool, frames: int, rng: np.random.Generator) -> int:
    """Draw how many latents are given: 1 for an image, 5 for the usual overlap, sometimes any number."""
    if mode != "prefix" and not (mode == "staggered" and rng.random() < 1 / 3):
        return 0
    draw, longest = rng.random(), frames - 1
    if draw < 0.35 and not settled:
        return 1
    return min(_OVERLAP, longest) if draw < 0.85 else int(rng.integers(min(2, longest), longest + 1))


def _condition_level(rng: np.random.Generator) -> float:
    """Draw the level of a given prefix: clean, or up to 0.05 as `addnoise_condition` makes it."""
    return 0.0 if rng.random() < 0.4 else float(rng.uniform(0.005, 0.05))
