"""Image to video: latents of the picture and a mask behind the noise, and CLIP's tokens beside those of the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.model import onednn
from skyreels_cli.model.family import Conditioned, FamilyModel, Given
from skyreels_cli.model.image import encode_image
from skyreels_cli.model.loading import load_image_encoder
from skyreels_cli.model.memory import release
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.vae import encode_frames

MASK_CHANNELS = 4
"""One for each of the frames that a latent frame stands for."""


class ImageToVideo(FamilyModel):
    """The condition is never noised, and the same in every step and for both branches of guidance."""

    image_stage = "loading image encoder"

    def encode_images(self, facts: ModelFacts, device: torch.device, images: Sequence[Tensor]) -> list[Tensor]:
        """CLIP's tokens `(1, 257, width)` of each picture."""
        encoder = load_image_encoder(facts, device)
        onednn.use_where_it_pays(encoder, device)
        features = [encode_image(encoder, image.to(device)).cpu() for image in images]
        del encoder
        release(device)
        return features

    def condition(self, given: Given) -> Conditioned:
        """4 channels of mask (1 where the picture is) and the latents of a clip: the picture, then mid-grey."""
        assert given.image is not None
        assert given.image_features is not None
        noise = given.noise
        frames = (noise.shape[1] - 1) * given.vae.config.scale_factor_temporal
        grey = given.image.new_zeros(3, frames, *given.image.shape[2:])
        latents = encode_frames(given.vae, torch.cat([given.image, grey], dim=1))
        mask = torch.zeros_like(latents[:MASK_CHANNELS])
        mask[:, 0] = 1
        inputs = {"channels": torch.cat([mask, latents]).to(noise.device), "tokens": given.image_features}
        return Conditioned(noise, inputs)

    def context(self, text: Tensor, inputs: Mapping[str, Tensor]) -> TextContext:
        """Text and picture, which are attended to apart."""
        return TextContext(text, inputs["tokens"].to(text.device, text.dtype))

    def hidden_states(self, latents: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """The condition's channels behind those of the latents."""
        return torch.cat([latents, inputs["channels"].unsqueeze(0).type_as(latents)], dim=1)


MODEL = ImageToVideo()
