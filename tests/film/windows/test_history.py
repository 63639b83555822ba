"""How windows are joined: what the second is given of the first, and which frames come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from skyreels_cli.film.events import Event

GOLDEN = Path(__file__).parents[2] / "golden"
PREFIX = 2  # latent frames; 5 frames

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], npt.NDArray[np.uint8]]


class Vae:
    """Diffusers' own encode and decode of normalised latents, everything at once."""

    def __init__(self) -> None:
        self._vae = AutoencoderKLWan.from_pretrained(GOLDEN / "model" / "vae").requires_grad_(False)
        config = self._vae.config
        self._mean, self._std = (torch.tensor(v).view(-1, 1, 1, 1) for v in (config.latents_mean, config.latents_std))

    def decode(self, latents: Tensor) -> Tensor:
        pixels: Tensor = self._vae.decode((latents * self._std + self._mean)[None], return_dict=False)[0][0]
        return pixels

    def encode(self, frames: Tensor) -> Tensor:
        latents: Tensor = (self._vae.encode(frames[None]).latent_dist.mode()[0] - self._mean) / self._std
        return latents


@pytest.fixture(scope="module")
def vae() -> Vae:
    return Vae()


def as_bytes(frames: Tensor) -> npt.NDArray[np.uint8]:
    levels: npt.NDArray[np.uint8] = ((frames / 2 + 0.5) * 255).to(torch.uint8).permute(1, 2, 3, 0).numpy()
    return levels


def test_joined_by_pixels(film: Film, frames_of: Frames, samplers: list[Any], vae: Vae, tmp_path: Path) -> None:
    list(film(join="pixels", num_frames=21))
    first, second = samplers
    decoded = vae.decode(first.latents)
    assert torch.allclose(second.noise[:, :PREFIX], vae.encode(decoded[:, -5:]), atol=1e-5)
    new = vae.decode(second.latents)[:, 5:]
    expected = as_bytes(torch.cat([decoded, new], dim=1)).astype(int)
    assert np.abs(frames_of(tmp_path / "film.mkv") - expected).max() <= 1


def test_joined_by_latents(film: Film, frames_of: Frames, samplers: list[Any], vae: Vae, tmp_path: Path) -> None:
    list(film(join="latents", num_frames=21))
    first, second = samplers
    assert torch.equal(second.noise[:, :PREFIX], first.latents[:, -PREFIX:])
    chain = torch.cat([first.latents, second.latents[:, PREFIX:]], dim=1)
    expected = as_bytes(vae.decode(chain)).astype(int)
    assert np.abs(frames_of(tmp_path / "film.mkv") - expected).max() <= 1


@pytest.mark.parametrize("join", ["pixels", "latents", "rolling"])
def test_a_frame_sink_is_the_shots_first_latent(join: str, film: Film, samplers: list[Any], tmp_path: Path) -> None:
    """In the second shot as well, whose first window begins with what the first one has left."""
    shots = [{"prompt": "a red ball", "num_frames": 29}, {"prompt": "a lake", "num_frames": 16}]
    list(film(tmp_path / "led.mkv", join=join, num_frames=None, shots=shots, frame_sink=True))
    first, *later = samplers
    second_shot = next(place for place, each in enumerate(later) if each.window.shot == 1)
    for sampler in later[:second_shot]:
        assert torch.equal(sampler.noise[:, :1], first.latents[:, :1])
        assert sampler.window.prefix_latents == 1 or not torch.equal(sampler.noise[:, 1:2], first.latents[:, :1])
    assert not torch.equal(later[second_shot].noise[:, :1], first.latents[:, :1])
    for sampler in later[second_shot:]:
        assert torch.equal(sampler.noise[:, :1], later[second_shot].noise[:, :1])


def test_frames_joined_by_pixels_do_not_begin_with_the_sink(
    film: Film, frames_of: Frames, samplers: list[Any], vae: Vae, tmp_path: Path
) -> None:
    """The window is shown the sink, the decoder what comes before its frames."""
    list(film(join="pixels", num_frames=21, frame_sink=True))
    first, second = samplers
    decoded = vae.decode(first.latents)
    prefix = vae.encode(decoded[:, -5:])
    assert torch.allclose(second.noise[:, 1:PREFIX], prefix[:, 1:], atol=1e-5)
    new = vae.decode(torch.cat([prefix, second.latents[:, PREFIX:]], dim=1))[:, 5:]
    expected = as_bytes(torch.cat([decoded, new], dim=1)).astype(int)
    assert np.abs(frames_of(tmp_path / "film.mkv") - expected).max() <= 1


def test_what_was_rounded_up_is_cut_off_the_end(film: Film, frames_of: Frames, tmp_path: Path) -> None:
    for frames in (21, 19):
        list(film(tmp_path / f"{frames}.mkv", num_frames=frames))
    longer, shorter = (frames_of(tmp_path / f"{frames}.mkv") for frames in (21, 19))
    assert np.array_equal(shorter, longer[:19])
