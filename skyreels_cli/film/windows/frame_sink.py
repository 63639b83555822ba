"""Frame sink: the first latent of a shot stays in front of every window that goes on from another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class FrameSink:
    """The first latent frame of the shot at hand, in place of the first one of each later prefix.

    Errors that windows hand on to each other have something to be measured by (StreamingLLM, arXiv 2309.17453, keeps
    first tokens; LongLive, arXiv 2509.22622, first frames). A first latent stands for one frame, as the first one of
    every window did in training; where latents are handed on, any other stands for four.
    """

    def __init__(self, *, on: bool) -> None:
        self._on = on
        self._shot: int | None = None
        self._latent: Tensor | None = None

    def hold(self, shot: int, latents: Tensor) -> None:
        """Let the first of these clean latents `(c, f, h, w)` be the sink, unless the shot has one."""
        if self._on and self._shot != shot:
            self._shot, self._latent = shot, latents[:, :1].clone()

    def lead(self, shot: int, prefix: Tensor) -> Tensor:
        """A prefix `(c, p, h, w)` behind the sink, which takes its first place; one of a single latent stays."""
        if self._latent is None or self._shot != shot or prefix.shape[1] == 1:
            return prefix
        return torch.cat([self._latent.to(prefix.device), prefix[:, 1:]], dim=1)

    def state(self) -> dict[str, Any]:
        """What a later window needs of it; nothing if it is off."""
        return {} if self._latent is None else {"sink": {"shot": self._shot, "latent": self._latent}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up a `state`."""
        sink = state.get("sink")
        self._shot, self._latent = (sink["shot"], sink["latent"]) if sink else (None, None)
