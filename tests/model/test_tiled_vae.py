"""The VAE in tiles, against diffusers' own `tiled_decode` of everything at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from skyreels_cli.model.tiled_vae import TiledDecoder, video_decoder
from skyreels_cli.model.vae import VideoDecoder

from .test_vae import decoded_at_once


@pytest.fixture
def tiled(vae: AutoencoderKLWan) -> Iterator[AutoencoderKLWan]:
    """The VAE in tiles of 32 pixels, 24 from one to the next."""
    vae.enable_tiling(32, 32, 24, 24)
    yield vae
    vae.use_tiling = False


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(4, 10), (9, 7), (3, 3)])
def test_frames_are_those_of_diffusers(tiled: AutoencoderKLWan, size: tuple[int, int]) -> None:
    latents = drawn(16, 3, *size)
    parts = list(TiledDecoder(tiled, goes_on=False).decode(latents))
    assert [part.shape[1] for part in parts] == [1, 4, 4]
    expected = decoded_at_once(tiled, latents)
    assert torch.allclose(torch.cat(parts, dim=1), expected, atol=1e-5)


def test_a_chain_goes_on_from_call_to_call(tiled: AutoencoderKLWan) -> None:
    latents = drawn(16, 5, 5, 6)
    decoder = TiledDecoder(tiled, goes_on=True)
    parts = [frames for few in latents.split([2, 3], dim=1) for frames in decoder.decode(few)]
    assert torch.allclose(torch.cat(parts, dim=1), decoded_at_once(tiled, latents), atol=1e-5)


def test_tiles_are_for_those_who_ask(vae: AutoencoderKLWan) -> None:
    assert isinstance(video_decoder(vae, goes_on=False), VideoDecoder)
    whole = torch.cat(list(VideoDecoder(vae).decode(drawn(16, 2, 5, 6))), dim=1)
    vae.enable_tiling(32, 32, 24, 24)
    decoder = video_decoder(vae, goes_on=False)
    tiled = torch.cat(list(decoder.decode(drawn(16, 2, 5, 6))), dim=1)
    vae.use_tiling = False
    assert isinstance(decoder, TiledDecoder)
    assert 0 < (tiled - whole).abs().mean() < 0.2
