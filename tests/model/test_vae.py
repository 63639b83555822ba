"""The VAE as a stream, against diffusers' own `encode` and `decode` of everything at once."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from skyreels_cli.model.vae import VideoDecoder, encode_frames, from_bytes, temporal_reach, to_bytes


def statistics(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    mean, std = (torch.tensor(v).view(1, -1, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
    return mean, std


def decoded_at_once(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    mean, std = statistics(vae)
    with torch.no_grad():
        pixels: Tensor = vae.decode(latents.unsqueeze(0) * std + mean, return_dict=False)[0]
    return pixels[0]


@pytest.mark.parametrize("count", [1, 2, 6])
def test_streamed_frames_are_those_of_the_whole(vae: AutoencoderKLWan, count: int) -> None:
    latents = torch.randn(16, count, 4, 6)
    parts = list(VideoDecoder(vae).decode(latents))
    assert [part.shape[1] for part in parts] == [1] + [4] * (count - 1)
    assert torch.equal(torch.cat(parts, dim=1), decoded_at_once(vae, latents))


def test_a_chain_goes_on_from_call_to_call(vae: AutoencoderKLWan) -> None:
    latents = torch.randn(16, 6, 4, 4)
    decoder = VideoDecoder(vae)
    parts = [frames for few in latents.split([1, 3, 2], dim=1) for frames in decoder.decode(few)]
    assert torch.equal(torch.cat(parts, dim=1), decoded_at_once(vae, latents))


def test_two_chains_do_not_mix(vae: AutoencoderKLWan) -> None:
    latents = torch.randn(2, 16, 3, 4, 4)
    chains = [VideoDecoder(vae).decode(one) for one in latents]
    woven = [torch.cat(parts, dim=1) for parts in zip(*zip(*chains, strict=True), strict=True)]
    for one, frames in zip(latents, woven, strict=True):
        assert torch.equal(frames, decoded_at_once(vae, one))


def test_memory_does_not_grow_with_the_film(vae: AutoencoderKLWan) -> None:
    decoder = VideoDecoder(vae)
    kept = [
        sum(features.untyped_storage().nbytes() for features in decoder._features if isinstance(features, Tensor))
        for _ in decoder.decode(torch.randn(16, 8, 4, 4))
    ]
    assert kept[2:] == [kept[2]] * 6


def test_a_decoded_frame_depends_on_no_more_than_the_reach(vae: AutoencoderKLWan) -> None:
    reach = temporal_reach(vae.config)
    latents = torch.randn(16, reach + 2, 2, 2)
    other = latents.clone()
    other[:, 0] += 1.0
    last, as_last = (torch.cat(list(VideoDecoder(vae).decode(z)), dim=1)[:, -4:] for z in (latents, other))
    assert torch.equal(last, as_last)


def test_encoded_latents_are_the_normalised_mean(vae: AutoencoderKLWan) -> None:
    frames = torch.rand(3, 9, 16, 24) * 2 - 1
    mean, std = statistics(vae)
    with torch.no_grad():
        expected = (vae.encode(frames.unsqueeze(0)).latent_dist.mean - mean) / std
    assert torch.equal(encode_frames(vae, frames), expected[0])


def test_bytes_are_truncated_not_rounded() -> None:
    levels = torch.tensor([-1.0, -0.9961, 0.0, 0.5, 0.9999, 1.0])
    frames = levels.view(1, 1, 1, 6).expand(3, 1, 1, 6)
    assert to_bytes(frames)[0, 0, :, 0].tolist() == [0, 0, 127, 191, 254, 255]


def test_every_level_survives_the_way_there_and_back() -> None:
    picture = torch.arange(256, dtype=torch.uint8).view(1, 1, 256, 1).expand(1, 1, 256, 3)
    pixels = from_bytes(picture)
    assert (pixels.min(), pixels.max()) == (-1.0, 1.0)
    assert (to_bytes(pixels).int() - picture.int()).abs().max() <= 1  # truncation may lose one
    expected = torch.tensor([level / 255 * 2 - 1 for level in range(256)])
    assert torch.allclose(pixels[0, 0, 0], expected, atol=1e-6)
