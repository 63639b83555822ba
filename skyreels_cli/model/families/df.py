"""Diffusion forcing: clean latents before and behind the noise, and a timestep for each frame (Chen et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor

from skyreels_cli.model.family import Conditioned, FamilyModel, Given
from skyreels_cli.model.vae import encode_frames


class DiffusionForcing(FamilyModel):
    """A window goes on from a prefix, or begins with an image as a one-frame latent; an end frame is one as well."""

    def condition(self, given: Given) -> Conditioned:
        """Noise, behind the prefix, before the end frame."""
        window, latents = given.window, given.noise
        if window.prefix_latents:
            known = given.prefix if given.image is None else encode_frames(given.vae, given.image)
            assert known is not None, f"nothing comes before window {window.index}"
            latents[:, : window.prefix_latents] = known
        if window.end_frame:
            assert given.end_image is not None
            latents = torch.cat([latents, encode_frames(given.vae, given.end_image)], dim=1)
        return Conditioned(latents)

    def timestep(self, timesteps: Tensor) -> Tensor:
        """Every frame's."""
        return timesteps


MODEL = DiffusionForcing()
