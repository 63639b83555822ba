"""The trainer's shortcuts compute what the stock classes compute."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from skyreels_tiny.train.muon import Optimisers, orthogonalised  # noqa: E402
from skyreels_tiny.train.networks import (  # noqa: E402
    Sizes,
    encode_text,
    half_way_states,
    new_text_encoder,
    new_transformer,
    velocity,
    velocity_and_states,
)
from skyreels_tiny.train.noise import draw_levels, shifted  # noqa: E402
from skyreels_tiny.train.sampler import sigmas  # noqa: E402
from skyreels_tiny.train.stock import AutoencoderKLWan, UniPCMultistepScheduler  # noqa: E402
from skyreels_tiny.train.vae_modes import clip_mode, decode, encode, image_mode  # noqa: E402

SMALL = Sizes(layers=2, heads=2, head_dim=24, hidden=64, text=32)


def test_velocity_equals_the_stock_forward_with_512_text_positions() -> None:
    torch.manual_seed(0)
    transformer, encoder = new_transformer(SMALL), new_text_encoder(SMALL)
    for parameter in transformer.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    ids, mask = torch.randint(3, 40, (2, 9)), torch.ones(2, 9, dtype=torch.long)
    mask[1, 4:] = 0
    latents, times = torch.randn(2, 16, 3, 4, 6), torch.rand(2, 3) * 1000
    with torch.no_grad():
        text = encode_text(encoder, ids, mask)
        padded = torch.zeros(2, 512, SMALL.text)
        padded[:, :9] = text.states
        stock = transformer(latents, times, padded, enable_diffusion_forcing=True, return_dict=False)[0]
        ours = velocity(transformer, latents, times, text)
    assert stock.std() > 0.1
    assert (stock - ours).abs().max() < 2e-5


def test_half_way_states_are_those_of_the_whole_forward() -> None:
    torch.manual_seed(0)
    transformer, encoder = new_transformer(SMALL), new_text_encoder(SMALL)
    latents, times = torch.randn(2, 16, 3, 4, 6), torch.rand(2, 3) * 1000
    with torch.no_grad():
        text = encode_text(encoder, torch.randint(3, 40, (2, 9)), torch.ones(2, 9, dtype=torch.long))
        _, states = velocity_and_states(transformer, latents, times, text)
        assert states.shape == (2, 3, 6, 48)
        assert torch.equal(half_way_states(transformer, latents, times, text), states)


def test_vae_modes_equal_the_stock_caches() -> None:
    torch.manual_seed(0)
    vae = AutoencoderKLWan(base_dim=4, z_dim=4, num_res_blocks=1, latents_mean=[0.0] * 4, latents_std=[1.0] * 4)
    video = torch.randn(1, 3, 9, 16, 24)
    with torch.no_grad():
        latents = vae.encode(video).latent_dist.mode()
        first = vae.encode(video[:, :, :1]).latent_dist.mode()
        restored = vae.decode(latents).sample
        with clip_mode():
            assert (encode(vae, video) - latents).abs().max() < 1e-5
            assert (decode(vae, latents).clamp(-1, 1) - restored).abs().max() < 1e-4
            with image_mode():
                assert (encode(vae, video[:, :, :1]) - first).abs().max() < 1e-5


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(3, 16, 64)))
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_optimisers_share_out_every_parameter_once() -> None:
    transformer = new_transformer(SMALL)
    both = Optimisers({"transformer": transformer}, 0.01, 0.001, plain=("scale_shift",))
    counts = [sum(p.numel() for group in part.param_groups for p in group["params"]) for part in (both.muon, both.adam)]
    assert sum(counts) == sum(p.numel() for p in transformer.parameters())
    assert counts[0] > counts[1]


def test_levels_hold_every_way_of_sampling() -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(40):
        levels = draw_levels(9, [False] * 16, 5.0, rng)
        assert levels.sigma.min() >= 0
        assert levels.sigma.max() <= 0.999
        for sigma, counts, mode in zip(levels.sigma, levels.counts, levels.modes, strict=True):
            ready = int((~counts).long().cumprod(0).sum())
            open_part = sigma[ready:]
            if mode == "sync":
                assert (open_part == open_part[:1]).all()
            if mode == "staggered":
                assert (open_part.diff() >= -1e-6).all()
            seen.add((mode, ready if ready in (0, 1, 5) else -1))
    assert {("sync", 0), ("prefix", 1), ("prefix", 5), ("staggered", 0), ("independent", 0)} <= seen


def test_settled_clips_always_get_a_prefix() -> None:
    levels = draw_levels(9, [True] * 32, 5.0, np.random.default_rng(1))
    assert set(levels.modes) == {"prefix"}
    assert not levels.counts[:, :2].any()


def test_sigmas_follow_the_reference() -> None:
    levels = sigmas(30, 8.0)
    assert len(levels) == 31
    assert float(levels[0]) == pytest.approx(8 * 0.999 / (1 + 7 * 0.999))
    assert float(levels[-1]) == 0.0
    assert shifted(np.array([0.5]), 5.0)[0] == pytest.approx(5 / 6)


def test_unipc_walks_over_the_references_levels() -> None:
    """The stock scheduler shifts given sigmas itself: shifted twice, films fall into patches (measured)."""
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0)
    scheduler.set_timesteps(sigmas=np.linspace(0.999, 0.0, 31)[:-1])
    assert np.allclose(scheduler.sigmas.numpy(), sigmas(30, 5.0).numpy(), atol=1e-5)
