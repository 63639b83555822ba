"""What a window leaves to the next one: the end of the film so far, as pixels or as latents."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from skyreels_cli.film.windows.colour import ColourMatch
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.model.tiled_vae import TiledDecoder, video_decoder
from skyreels_cli.model.vae import VideoDecoder, encode_frames, temporal_reach
from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.recipe.schema import Recipe


class History(Protocol):
    """The end of the film so far, empty after a cut; its `state` is written to disk with each finished window.

    `streams` says whether the turns of a window can be decoded one after the other, before it is whole.
    """

    streams: bool

    def begin(self, frames: Tensor, vae: Any, window: Window) -> None:
        """Let the first window go on from given frames in [-1, 1], `(3, n, H, W)`."""
        ...

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """New frames of a window or turn in [-1, 1], as they leave the VAE: `(3, n, H, W)`, less what is trimmed."""
        ...

    def close_window(self, vae: Any, following: Window | None) -> None:
        """Turn the end of the film into the prefix of the `following` window, if one goes on from here."""
        ...

    def prefix(self, window: Window) -> Tensor:
        """Clean latents `(c, f, h, w)` that condition a window."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything the next window needs."""
        ...

    def load_state(self, state: dict[str, Any], vae: Any) -> None:
        """Take up the `state` of the window before."""
        ...


def make_history(recipe: Recipe, plan: Plan, facts: ModelFacts) -> History:
    """The history that the recipe's `join` asks for."""
    colour = ColourMatch(recipe.overlap_history) if recipe.color_match == "anchor" else None
    if recipe.join == "pixels":
        return PixelHistory(recipe.overlap_history, colour)
    overlap = plan.windows.largest(lambda window: window.prefix_latents)
    return LatentHistory(max(overlap, temporal_reach(facts.vae.config)), colour)


class PixelHistory:
    """Join by pixels: the next prefix is the VAE's encoding of the last decoded float frames (the reference's way).

    Each window is a causal chain of its own, whose first prefix latent is a one-frame latent, as in training.
    """

    streams = True  # a window is one pass

    def __init__(self, overlap_frames: int, colour: ColourMatch | None) -> None:
        self._overlap = overlap_frames
        self._colour = colour
        self._frames: Tensor | None = None
        self._prefix: Tensor | None = None

    def begin(self, frames: Tensor, vae: Any, window: Window) -> None:
        """Encode the given frames as the prefix of the first window."""
        self._frames = frames
        self.close_window(vae, window)

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """The window's new frames, of a causal chain of its own; the last `overlap` frames are kept."""
        if self._prefix is not None:  # a window may have been shown another
            latents = torch.cat([self._prefix, latents[:, window.prefix_latents :]], dim=1)
        decoded = _kept(video_decoder(vae, goes_on=False).decode(latents), window.drop_frames, window.new_frames)
        for new in self._colour.grade(decoded, window.fresh) if self._colour else decoded:
            known = new if self._frames is None else torch.cat([self._frames, new], dim=1)
            self._frames = known[:, -self._overlap :].clone()
            yield new

    def close_window(self, vae: Any, following: Window | None) -> None:
        """Encode the last frames as the next prefix; they are kept only if the window after it may need them again."""
        if following is None or following.fresh or self._frames is None:
            self._frames = self._prefix = None
            return
        self._prefix = encode_frames(vae, self._frames[:, -following.drop_frames :])
        still_needed = self._overlap - following.new_frames
        self._frames = self._frames[:, -still_needed:] if still_needed > 0 else None

    def prefix(self, window: Window) -> Tensor:
        """The encoded last frames `(c, f, h, w)`."""
        assert self._prefix is not None, f"nothing comes before window {window.index}"
        return self._prefix

    def state(self) -> dict[str, Any]:
        """Prefix, frames that may be needed again, and the colours that windows are matched to."""
        anchor = self._colour.anchor if self._colour else None
        return {"prefix": self._prefix, "frames": self._frames, "anchor": anchor}

    def load_state(self, state: dict[str, Any], vae: Any) -> None:
        """Take up a state; nothing needs to be decoded."""
        self._prefix, self._frames = (_on(vae.device, state[key]) for key in ("prefix", "frames"))
        if self._colour:
            self._colour.anchor = _on(vae.device, state["anchor"])


class LatentHistory:
    """Join by latents: the last clean latents go on unchanged and one causal chain decodes everything up to a cut.

    Nothing is lost by re-encoding, but from the second window on the first prefix latent stands for four frames.
    """

    def __init__(self, kept_latents: int, colour: ColourMatch | None) -> None:
        self.streams = colour is None  # a window's colours are known when all of it is decoded
        self._kept = kept_latents
        self._colour = colour
        self._latents: Tensor | None = None
        self._decoder: VideoDecoder | TiledDecoder | None = None

    def begin(self, frames: Tensor, vae: Any, window: Window) -> None:
        """Encode the given frames, and decode them once so that the decoder goes on from there."""
        self.load_state({"latents": encode_frames(vae, frames), "anchor": None}, vae)

    def decode(self, vae: Any, latents: Tensor, window: Window) -> Generator[Tensor]:
        """The new frames of a window or turn, decoded in one chain with all since the last cut."""
        new = latents if window.fresh else latents[:, window.prefix_latents :]  # an image is new as well
        known = new if self._latents is None else torch.cat([self._latents, new], dim=1)
        self._decoder = self._decoder or video_decoder(vae, goes_on=True)
        decoded = _kept(self._decoder.decode(new), 0, window.new_frames)
        yield from self._colour.grade(decoded, window.fresh) if self._colour else decoded
        self._latents = known[:, -self._kept :].clone()

    def close_window(self, vae: Any, following: Window | None) -> None:
        """Forget the latents and the decoder's features before a cut or at the end."""
        if following is None or following.fresh:
            self._latents = self._decoder = None

    def prefix(self, window: Window) -> Tensor:
        """The last clean latents `(c, f, h, w)`, unchanged."""
        assert self._latents is not None, f"nothing comes before window {window.index}"
        return self._latents[:, -window.prefix_latents :]

    def state(self) -> dict[str, Any]:
        """The last latents; the decoder's features follow from them and are gigabytes."""
        return {"latents": self._latents, "anchor": self._colour.anchor if self._colour else None}

    def load_state(self, state: dict[str, Any], vae: Any) -> None:
        """Take up a state by decoding its latents once more, which brings the decoder's features back."""
        self._latents = _on(vae.device, state["latents"])
        if self._colour:
            self._colour.anchor = _on(vae.device, state["anchor"])
        self._decoder = None
        if self._latents is not None:
            self._decoder = video_decoder(vae, goes_on=True)
            for _ in self._decoder.decode(self._latents):
                pass


def _kept(decoded: Iterable[Tensor], drop: int, keep: int) -> Generator[Tensor]:
    """Leave out the first `drop` frames, and what comes after the next `keep`."""
    seen = 0
    for frames in decoded:
        new = frames[:, max(0, drop - seen) : max(0, drop + keep - seen)]
        seen += frames.shape[1]
        if new.shape[1]:
            yield new


def _on(device: torch.device, tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
