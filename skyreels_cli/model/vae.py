"""The video autoencoder as a stream: one latent frame in, its pixel frames out, at constant memory.

Wan's causal VAE needs of the past only two frames per convolution, which diffusers keeps in a feature cache; its own
`decode` hides that cache and collects the whole film. Here the cache outlives the call, so a film of any length leaves
frame by frame.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.model.libraries import WanCausalConv3d, unpatchify


class VideoDecoder:
    """Decodes latent frames in order; a fresh one begins a new causal chain (its first frame is a one-frame latent).

    Pixels are cut off at -1 and 1 unless `limited` is False.
    """

    def __init__(self, vae: Any, *, limited: bool = True) -> None:
        self._vae = vae
        self._limited = limited
        self._features: list[Any] = [None] * sum(isinstance(m, WanCausalConv3d) for m in vae.decoder.modules())
        self._first = True

    def decode(self, latents: Tensor) -> Generator[Tensor]:
        """Yield pixel frames in [-1, 1], `(3, 1, H, W)` for the chain's first latent frame, else `(3, 4, H, W)`.

        `latents` (c, f, h, w) are normalised as the transformer gives them.
        """
        states = self._denormalise(latents)
        for index in range(states.shape[2]):
            yield self._decode_one(states[:, :, index : index + 1])

    @torch.inference_mode()
    def _denormalise(self, latents: Tensor) -> Tensor:
        """Latents `(c, f, h, w)` as the decoder takes them: `(1, c, f, h, w)` in its dtype."""
        mean, std = _statistics(self._vae, latents.device)
        states: Tensor = self._vae.post_quant_conv((latents.unsqueeze(0).float() * std + mean).to(self._vae.dtype))
        return states

    @torch.inference_mode()
    def _decode_one(self, state: Tensor) -> Tensor:
        """Pixel frames `(3, 1 or 4, H, W)` of one latent frame `(1, c, 1, h, w)`."""
        vae = self._vae
        pixels = vae.decoder(state, feat_cache=self._features, feat_idx=[0], first_chunk=self._first)
        self._first = False
        if vae.config.patch_size is not None:
            pixels = unpatchify(pixels, patch_size=vae.config.patch_size)
        frames: Tensor = pixels[0].float()
        return frames.clamp(-1.0, 1.0) if self._limited else frames

    def rest_on(self, device: torch.device) -> None:
        """Move what the chain remembers of its past to a device."""
        self._features = [known.to(device) if isinstance(known, Tensor) else known for known in self._features]


@torch.inference_mode()
def encode_frames(vae: Any, frames: Tensor) -> Tensor:
    """Normalised latents `(c, f, h, w)` of pixel frames `(3, 4f-3, H, W)` in [-1, 1]; the posterior's mean."""
    pixels = frames.unsqueeze(0).to(device=vae.device, dtype=vae.dtype)
    posterior = vae.encode(pixels).latent_dist
    mean, std = _statistics(vae, pixels.device)
    return ((posterior.mode().float() - mean) / std)[0]


def temporal_reach(config: Mapping[str, Any]) -> int:
    """Latent frames before the current one on which a decoded frame can depend.

    Each causal convolution looks two frames back at its own rate (3 taps), which doubles behind each temporal
    upsampling: two in the input, four residual convolutions in the middle, 2·(blocks + 1) in each stage.
    """
    upsampled = list(config["temperal_downsample"])[::-1]
    reach, rate = 2.0 + 8.0, 1
    for stage in range(len(config["dim_mult"])):
        reach += 4 * (config["num_res_blocks"] + 1) / rate
        if stage < len(upsampled) and upsampled[stage]:
            reach += 2 / rate
            rate *= 2
    return math.ceil(reach + 2 / rate)


def to_bytes(frames: Tensor) -> Tensor:
    """Pixels in [-1, 1] `(3, n, H, W)` → uint8 `(n, H, W, 3)`, truncated (not rounded) like the reference."""
    return ((frames.float() / 2 + 0.5) * 255).to(torch.uint8).permute(1, 2, 3, 0)


def from_bytes(frames: Tensor) -> Tensor:
    """uint8 `(n, H, W, 3)` → float32 pixels in [-1, 1] `(3, n, H, W)`."""
    return frames.permute(3, 0, 1, 2).float() / 127.5 - 1.0


def _statistics(vae: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per latent channel, `(1, c, 1, 1, 1)`."""
    mean, std = (
        torch.tensor(values, device=device, dtype=torch.float32).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, std
