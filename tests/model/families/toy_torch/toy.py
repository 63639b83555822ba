"""Its half with tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from skyreels_cli.model.family import Conditioned, FamilyModel, Given


class Toy(FamilyModel):
    """Adds the brightness of the image as a channel."""

    def condition(self, given: Given) -> Conditioned:
        assert given.image is not None
        brightness = given.image.mean().expand(1, *given.noise.shape[1:])
        return Conditioned(given.noise, {"brightness": brightness.clone()})

    def hidden_states(self, latents: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([latents, inputs["brightness"].unsqueeze(0).type_as(latents)], dim=1)


MODEL = Toy()
