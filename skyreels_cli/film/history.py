"""What a window leaves to the next one: the end of the film so far, as pixels or as latents."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

import torch
from torch import Tensor

from skyreels_cli.model.vae import VideoDecoder, encode_frames, temporal_reach
from skyreels_cli.plan.plan import Window


class History(Protocol):
    """The memory of a film between its windows; `state` is kept on disk with each window."""

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """New frames of the window in [-1, 1], as they leave the VAE: `(3, n, H, W)`; the overlap is left out."""
        ...

    def close_window(self, vae: Any, following: Window | None) -> None:
        """Turn the end of the film into the prefix of the `following` window, if there is one."""
        ...

    def prefix(self) -> Tensor:
        """Clean latents `(c, f, h, w)` that condition the next window."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything the next window needs."""
        ...

    def load_state(self, state: dict[str, Any], vae: Any) -> None:
        """Take up the `state` of the window before."""
        ...


class PixelHistory:
    """Join by pixels: the next prefix is the VAE's encoding of the last decoded float frames (the reference's way).

    Each window is a causal chain of its own, whose first prefix latent is a one-frame latent, as in training.
    """

    def __init__(self, overlap_frames: int) -> None:
        self._overlap = overlap_frames
        self._frames: Tensor | None = None
        self._prefix: Tensor | None = None

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """See `History.decode`."""
        to_drop = window.drop_frames
        for frames in VideoDecoder(vae).decode(latents):
            dropped = min(to_drop, frames.shape[1])
            to_drop -= dropped
            if dropped < frames.shape[1]:
                new = frames[:, dropped:]
                known = new if self._frames is None else torch.cat([self._frames, new], dim=1)
                self._frames = known[:, -self._overlap :].clone()
                yield new

    def close_window(self, vae: Any, following: Window | None) -> None:
        """See `History.close_window`; frames are kept only if the window after the next will need them again."""
        if following is None or self._frames is None:
            self._frames = self._prefix = None
            return
        self._prefix = encode_frames(vae, self._frames)
        still_needed = self._overlap - following.new_frames
        self._frames = self._frames[:, -still_needed:] if still_needed > 0 else None

    def prefix(self) -> Tensor:
        """See `History.prefix`."""
        assert self._prefix is not None, "the first window has no history"
        return self._prefix

    def state(self) -> dict[str, Any]:
        """See `History.state`."""
        return {"prefix": self._prefix, "frames": self._frames}

    def load_state(self, state: dict[str, Any], vae: Any) -> None:
        """See `History.load_state`."""
        self._prefix, self._frames = (_on(vae.device, state[key]) for key in ("prefix", "frames"))


class LatentHistory:
    """Join by latents: the last clean latents go on unchanged and one causal chain decodes the whole film.

    Nothing is lost by re-encoding, but from the second window on the first prefix latent stands for four frames.
    """

    def __init__(self, overlap_latents: int, reach: int) -> None:
        self._overlap = overlap_latents
        self._kept = max(overlap_latents, reach)
        self._latents: Tensor | None = None
        self._decoder: VideoDecoder | None = None

    @classmethod
    def of(cls, overlap_latents: int, vae_config: Any) -> LatentHistory:
        """A history that keeps enough latents to warm up a decoder of this configuration."""
        return cls(overlap_latents, temporal_reach(vae_config))

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """See `History.decode`."""
        new = latents[:, window.prefix_latents :] if window.drop_frames else latents
        known = new if self._latents is None else torch.cat([self._latents, new], dim=1)
        self._decoder = self._decoder or VideoDecoder(vae)
        yield from self._decoder.decode(new)
        self._latents = known[:, -self._kept :].clone()

    def close_window(self, vae: Any, following: Window | None) -> None:
        """See `History.close_window`."""

    def prefix(self) -> Tensor:
        """See `History.prefix`."""
        assert self._latents is not None, "the first window has no history"
        return self._latents[:, -self._overlap :]

    def state(self) -> dict[str, Any]:
        """See `History.state`; the decoder's features are gigabytes, the latents they follow from are not."""
        return {"latents": self._latents}

    def load_state(self, state: dict[str, Any], vae: Any) -> None:
        """See `History.load_state`; decodes the kept latents once more, which brings the same features back."""
        self._latents = _on(vae.device, state["latents"])
        assert self._latents is not None
        self._decoder = VideoDecoder(vae)
        for _ in self._decoder.decode(self._latents):
            pass


def _on(device: torch.device, tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
