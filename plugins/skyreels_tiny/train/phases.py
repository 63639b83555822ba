"""The three phases of training: single latents, three latents, whole windows of nine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor


@dataclass(frozen=True)
class Phase:
    """One phase: latent frames, batch, Muon's rate and its final share, noise shift, loss weight of objects, EMA decay.

    Every `grow_every` steps fresh clips are rendered; `flat` is the share of the budget at full rate; `pictures` the
    share of steps on single latents: half the price of a step, and shapes and pairs of objects need many examples.
    """

    name: str
    frames: int
    batch: int
    rate: float
    end: float
    shift: float
    weight: float
    weight_end: float
    decay: float
    grow_every: int = 0
    flat: float = 0.45
    pictures: float = 0.0


PHASES: Final = (
    Phase("image", 1, 64, 0.012, 0.25, 3.0, 4.0, 1.0, 0.995),
    Phase("short", 3, 32, 0.010, 0.6, 4.0, 3.0, 2.0, 0.995),
    Phase("full", 9, 16, 0.008, 0.02, 6.0, 3.0, 1.0, 0.997, grow_every=100, pictures=0.35),
)


def object_weight(phase: Phase, progress: float, present: Tensor) -> Tensor:
    """Weigh cells with an object more at first; back to the end weight at three quarters, for a lasting
    weight biases.
    """
    share = min(1.0, progress / 0.75)
    extra = phase.weight + (phase.weight_end - phase.weight) * share - 1.0
    return 1.0 + extra * present.float()
