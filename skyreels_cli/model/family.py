"""What a family does with tensors: how a window is conditioned, and what the transformer is called with.

The other half of a family, what it needs and can do, is in `hub/families/`. Both are found by the family's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.plan.plan import Window


@dataclass(frozen=True)
class Given:
    """What a window may be conditioned by. Pictures are `(3, 1, H, W)` in [-1, 1], fitted to the film.

    `noise` `(c, f, h, w)` is for the window's latents, end frame not counted; `prefix` `(c, p, h, w)` are the latents
    that the film so far hands over; `image_features` is what `FamilyModel.encode_images` made of the image.
    """

    window: Window
    noise: Tensor
    vae: Any
    prefix: Tensor | None = None
    image: Tensor | None = None
    end_image: Tensor | None = None
    image_features: Tensor | None = None


@dataclass(frozen=True)
class Conditioned:
    """A window's latents `(c, f, h, w)` before its first row, and what else its forward passes are given, by name."""

    latents: Tensor
    inputs: Mapping[str, Tensor] = field(default_factory=dict)


class FamilyModel:
    """A family whose windows start from noise alone and whose transformer is told one timestep for all frames."""

    image_stage: str | None = None
    """What is told while images are encoded; None if that is not needed."""

    def encode_images(self, facts: ModelFacts, device: torch.device, images: Sequence[Tensor]) -> list[Tensor]:
        """Features of pictures, by an encoder that is loaded and let go; only called if there is an `image_stage`."""
        raise NotImplementedError

    def condition(self, given: Given) -> Conditioned:
        """The start of a window."""
        return Conditioned(given.noise)

    def context(self, text: Tensor, inputs: Mapping[str, Tensor]) -> TextContext:
        """What cross-attention attends to, made once for a window and branch from `text` `(1, 512, text_dim)`."""
        return TextContext(text)

    def hidden_states(self, latents: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """The transformer's input `(1, channels, f, h, w)`, from latents `(1, c, f, h, w)`."""
        return latents

    def timestep(self, timesteps: Tensor) -> Tensor:
        """What the transformer is told of the timesteps `(1, f)` of the frames: `(1,)`, or all of them."""
        return timesteps[:, 0]


def family_model(name: str) -> FamilyModel:
    """The torch half of a family."""
    family: FamilyModel = import_module(f"skyreels_cli.model.families.{name}").MODEL
    return family
