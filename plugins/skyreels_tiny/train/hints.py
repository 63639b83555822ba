"""A teacher that leaves no trace: half way through the transformer, a linear probe must read the clip's meaning.

The direction of a movement decides little of the velocity's error (an object fills a tenth of the picture, and below a
noise level of 0.9 its path shows through the noise), so text was hardly asked for it. Asked directly, every token
knows it after a few hundred steps. In the manner of REPA (Yu et al. 2024), with the meaning itself as representation;
the probe is not exported.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from skyreels_tiny.meaning import DAYTIMES, SUBJECTS, Meaning
from skyreels_tiny.motions import MOVES
from skyreels_tiny.palette import BACKGROUND_RGB
from skyreels_tiny.shapes import SHAPES

NUMBERS: Final = 2 * (len(SHAPES) + 3) + 6 + 6 + len(SUBJECTS) + 1 + len(DAYTIMES)
"""Numbers that a meaning comes to: two objects, two background colours, motion, scene."""

WEIGHT: Final = 1.0
"""First weight of the hints in the loss; nothing is left of it after `LASTS` of a phase."""

LASTS: Final = 0.85

_CHANGES: Final[dict[str, tuple[float, ...]]] = {
    **{name: (x, y, 0, 0, 0, 0) for name, (x, y) in MOVES.items()},
    "grow": (0, 0, 1, 0, 0, 0),
    "shrink": (0, 0, -1, 0, 0, 0),
    "swing across": (0, 0, 0, 1, 0, 0),
    "swing along": (0, 0, 0, 0, 1, 0),
    "still": (0, 0, 0, 0, 0, 0),
}
_CAMERA: Final[dict[str, tuple[float, ...]]] = {
    "left": (1, 0, 0, 0, 0, 0),
    "right": (-1, 0, 0, 0, 0, 0),
    "in": (0, 0, 1, 0, 0, 1),
    "out": (0, 0, -1, 0, 0, -1),
}
"""What moves, grows, swings across or along, or is zoomed on; a camera that pans left moves things right."""


def new_probe(width: int) -> nn.Module:
    """Return the probe that reads a meaning from hidden states (…, width), whatever their size."""
    linear = nn.Linear(width, NUMBERS)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(nn.LayerNorm(width, elementwise_affine=False), linear)


def in_numbers(meaning: Meaning) -> list[float]:
    """Write a meaning as `NUMBERS` numbers; what it does not hold is 0."""
    numbers: list[float] = []
    for place in range(2):
        shape, colour = meaning.objects[place] if place < len(meaning.objects) else ("", "")
        numbers += [float(shape == name) for name in SHAPES]
        numbers += BACKGROUND_RGB[colour] if colour else (0.0, 0.0, 0.0)
    for name in (meaning.background[0], meaning.background[-1]) if meaning.background else ("black", "black"):
        numbers += BACKGROUND_RGB[name]
    numbers += _CAMERA[meaning.camera] if meaning.camera else _CHANGES[meaning.motion]
    subject, place_name, daytime = meaning.scene
    numbers += [float(subject == name) for name in SUBJECTS] + [float(place_name == "hills")]
    return numbers + [float(daytime == name) for name in DAYTIMES]


def hint_loss(probe: nn.Module, states: Tensor, meanings: list[Meaning], told: Tensor) -> Tensor:
    """Mean squared error of the probe on states (b, f, s, d), over the samples (b,) that were `told` a caption."""
    wanted = torch.tensor([in_numbers(meaning) for meaning in meanings], device=states.device)
    read = probe(states).float()
    error = functional.mse_loss(read, wanted[:, None, None].expand_as(read), reduction="none").mean((1, 2, 3))
    return (error * told).sum() / told.sum().clamp(min=1)


def hint_weight(progress: float) -> float:
    """Weight of the hints at `progress` (0..1) of a phase: falls linearly and ends at `LASTS`."""
    return WEIGHT * max(0.0, 1.0 - progress / LASTS)
