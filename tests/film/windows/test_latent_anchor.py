"""The latent anchor against NumPy, and in films of every join: what is decoded has the first window's statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from skyreels_cli.film.events import Event
from skyreels_cli.film.windows.history import LatentHistory, PixelHistory
from skyreels_cli.film.windows.latent_anchor import LEAST_SPREAD, LatentAnchor

Film = Callable[..., Iterator[Event]]


def latents(seed: int, gain: float = 1.0, offset: float = 0.0) -> Tensor:
    return torch.randn(4, 3, 5, 6, generator=torch.Generator().manual_seed(seed)) * gain + offset


def by_numpy(given: Tensor, anchor: Tensor, strength: float) -> np.ndarray:
    """AdaIN channel by channel, and the share of the way there."""
    matched = []
    for channel, like in zip(given.double().numpy(), anchor.double().numpy(), strict=True):
        there = (channel - channel.mean()) / max(channel.std(), LEAST_SPREAD) * like.std() + like.mean()
        matched.append(channel + strength * (there - channel))
    return np.stack(matched)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_statistics_are_drawn_towards_the_anchors(strength: float) -> None:
    anchor = LatentAnchor(strength)
    first, drifted = latents(0), latents(1, gain=1.6, offset=0.4)
    drifted[2] = 0.7  # a channel without any spread
    assert torch.equal(anchor.match(first), first)
    anchor.hold(first)
    assert np.allclose(anchor.match(drifted).numpy(), by_numpy(drifted, first, strength), atol=1e-5)


def test_without_strength_nothing_is_kept_or_changed() -> None:
    anchor = LatentAnchor(0.0)
    anchor.hold(latents(0))
    assert anchor.statistics is None
    assert torch.equal(anchor.match(latents(1)), latents(1))


@pytest.mark.parametrize("join", ["pixels", "latents", "rolling"])
def test_what_is_decoded_has_the_first_windows_statistics(
    join: str, film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Window by window, or where the film rolls block by block; what begins with a cut has an anchor of its own."""
    decoded: list[tuple[Any, Tensor]] = []
    for history in (PixelHistory, LatentHistory):
        original = history.decode

        def decode(self: Any, vae: Any, latents: Tensor, window: Any, original: Any = original) -> Any:
            decoded.append((window, latents.clone()))
            return original(self, vae, latents, window)

        monkeypatch.setattr(history, "decode", decode)
    shots = [{"prompt": "a red ball", "num_frames": 25}, {"prompt": "a lake", "num_frames": 21, "cut": True}]
    list(film(join=join, num_frames=None, shots=shots, latent_anchor=1.0))
    anchor = torch.empty(0)
    begins = {window.index for window, _ in decoded if window.fresh}
    for window, made in decoded:
        if window.index in begins:
            new = made if window.fresh else made[:, window.prefix_latents :]
            anchor = new if window.fresh else torch.cat([anchor, new], dim=1)
            continue
        for part in made[:, window.prefix_latents :].split(1 if join == "rolling" else made.shape[1], dim=1):
            for statistic in (Tensor.mean, Tensor.std):
                found = statistic(part.flatten(1), dim=1)
                assert torch.allclose(found, statistic(anchor.flatten(1), dim=1), rtol=0.05, atol=1e-4)
    assert len(begins) == 2 < len(decoded)
