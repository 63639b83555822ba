"""What a window leaves to the next one: the end of the film so far, as pixels or as latents."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.model.vae import VideoDecoder, encode_frames
from skyreels_cli.plan.plan import Window


class PixelHistory:
    """Join by pixels: the next prefix is the VAE's encoding of the last decoded float frames (the reference's way).

    Each window is a causal chain of its own, whose first prefix latent is a one-frame latent, as in training.
    """

    def __init__(self, overlap_frames: int) -> None:
        self._overlap = overlap_frames
        self._frames: Tensor | None = None

    def prefix(self, vae: Any) -> Tensor:
        """Clean latents `(c, f, h, w)` that condition the next window."""
        assert self._frames is not None, "the first window has no history"
        return encode_frames(vae, self._frames)

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """New frames of the window in [-1, 1], as they leave the VAE: `(3, n, H, W)`; the overlap is dropped."""
        to_drop = window.drop_frames
        for frames in VideoDecoder(vae).decode(latents):
            dropped = min(to_drop, frames.shape[1])
            to_drop -= dropped
            if dropped < frames.shape[1]:
                new = frames[:, dropped:]
                self._remember(new)
                yield new

    def _remember(self, frames: Tensor) -> None:
        known = frames if self._frames is None else torch.cat([self._frames, frames], dim=1)
        self._frames = known[:, -self._overlap :].clone()


class LatentHistory:
    """Join by latents: the last clean latents go on unchanged and one causal chain decodes the whole film.

    Nothing is lost by re-encoding, but from the second window on the first prefix latent stands for four frames.
    """

    def __init__(self, overlap_latents: int) -> None:
        self._overlap = overlap_latents
        self._latents: Tensor | None = None
        self._decoder: VideoDecoder | None = None

    def prefix(self, vae: Any) -> Tensor:
        """See `PixelHistory.prefix`."""
        assert self._latents is not None, "the first window has no history"
        return self._latents

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """See `PixelHistory.decode`."""
        new = latents[:, window.prefix_latents :] if window.drop_frames else latents
        known = new if self._latents is None else torch.cat([self._latents, new], dim=1)
        self._latents = known[:, -self._overlap :].clone()
        self._decoder = self._decoder or VideoDecoder(vae)
        yield from self._decoder.decode(new)


History = PixelHistory | LatentHistory
