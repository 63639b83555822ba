"""What one step learns from: a batch at mixed noise levels, the velocity's error on it, and the hints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from skyreels_tiny.captions import describe
from skyreels_tiny.meaning import Meaning, draw_meaning

from .hints import hint_loss, hint_weight
from .networks import BlockForward, device, encode_text, half_way_states, velocity_and_states
from .noise import END_FRAME_SHARE, NoiseLevels, draw_levels
from .phases import Phase, object_weight
from .pool import Pool, caption
from .sampler import tokens
from .stock import Stock

EMPTY_SHARE: Final = 0.1
"""Share of captions left empty, so that guidance has something to guide away from."""

TEXT_PLACES: Final = 24
"""Text positions of a batch: one length, so that a compiled block is compiled once."""


LESSON: Final = 32
"""Captions of a reading lesson: meanings drawn afresh, no picture needed. The clips in a pool hold too few pairs of
objects to learn from them which colour is whose (error of the second colour 0.09, where guessing makes 0.15).
"""


@dataclass
class Batch:
    """Normalised latents (b, c, f, h, w), their noise (same), object cells (b, f, h, w), levels, and the words."""

    clean: Tensor
    noise: Tensor
    present: Tensor
    levels: NoiseLevels
    captions: list[str]
    meanings: list[Meaning]


def draw_batch(phase: Phase, pool: Pool, mean: Tensor, std: Tensor, rng: np.random.Generator) -> Batch:
    """Draw clips, levels, noise and captions; one batch in five has an end frame, one more clean latent."""
    chosen = _choose(phase, pool, rng)
    latents, present = pool.latents[chosen][:, :, : phase.frames].float(), pool.present[chosen][:, : phase.frames]
    settled = [bool(value) and phase.frames > 3 for value in pool.settled[chosen]]
    levels = draw_levels(phase.frames, settled, phase.shift, rng)
    if phase.frames == 9 and rng.random() < END_FRAME_SHARE:
        latents = torch.cat((latents, pool.ends[chosen][:, :, None].float()), dim=2)
        present = torch.cat((present, present[:, -1:]), dim=1)
        zero = torch.zeros(len(chosen), 1)
        levels = NoiseLevels(torch.cat((levels.sigma, zero), 1), torch.cat((levels.counts, zero > 0), 1), levels.modes)
    clean = (latents - mean[:, None, None, None]) / std[:, None, None, None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(int(rng.integers(2**62))))
    meanings = [pool.meanings[int(place)] for place in chosen]
    captions = [caption(meaning, rng) if rng.random() >= EMPTY_SHARE else "" for meaning in meanings]
    return Batch(clean.to(device()), noise.to(device()), present.to(device()), levels, captions, meanings)


def objective(
    modules: Stock, tokenizer: Stock, batch: Batch, phase: Phase, progress: float, block_forward: BlockForward
) -> tuple[Tensor, dict[str, float]]:
    """Return what to minimise at `progress` (0..1) of the phase, and its parts by name."""
    levels, counts = batch.levels.sigma.to(device()), batch.levels.counts.to(device())[:, :, None, None]
    sigma = levels[:, None, :, None, None]
    with torch.autocast(device().type, torch.bfloat16):
        text = encode_text(modules["text"], *tokens(tokenizer, batch.captions, TEXT_PLACES))
        mixed = (1 - sigma) * batch.clean + sigma * batch.noise
        predicted, states = velocity_and_states(modules["transformer"], mixed, 1000 * levels, text, block_forward)
        told = torch.tensor([float(bool(words)) for words in batch.captions], device=device())
        hints = hint_loss(modules["probe"], states, batch.meanings, told)
    error = (predicted.float() - (batch.noise - batch.clean)).square().mean(1)
    weight = object_weight(phase, progress, batch.present) * counts
    loss = (error * weight).sum() / weight.sum()
    figures = {"loss": float(loss.detach())} | ({"hints": float(hints.detach())} if hint_weight(progress) else {})
    return loss + hint_weight(progress) * hints, figures | _by_mode(error.detach(), counts, batch.levels.modes)


def reading_lesson(modules: Stock, tokenizer: Stock, rng: np.random.Generator, block_forward: BlockForward) -> Tensor:
    """Return the hints' loss where there is only text to read from: single latents of pure noise."""
    meanings = [draw_meaning(rng) for _ in range(LESSON)]
    captions = [describe(meaning, rng) for meaning in meanings]
    channels = modules["transformer"].config.in_channels
    noise = torch.randn((LESSON, channels, 1, 8, 14), generator=torch.Generator().manual_seed(int(rng.integers(2**62))))
    times = torch.full((LESSON, 1), 999.0, device=device())
    with torch.autocast(device().type, torch.bfloat16):
        text = encode_text(modules["text"], *tokens(tokenizer, captions, TEXT_PLACES))
        states = half_way_states(modules["transformer"], noise.to(device()), times, text, block_forward)
        return hint_loss(modules["probe"], states, meanings, torch.ones(LESSON, device=device()))


def _choose(phase: Phase, pool: Pool, rng: np.random.Generator) -> Tensor:
    """Draw a batch; three latents are too short for a prefix, so clips fit only for continuation stay out
    there.
    """
    places = torch.arange(len(pool)) if phase.frames != 3 else torch.nonzero(~pool.settled)[:, 0]
    return places[torch.from_numpy(rng.integers(len(places), size=phase.batch))]


def _by_mode(error: Tensor, counts: Tensor, modes: list[str]) -> dict[str, float]:
    """Average the error (b, f, h, w) over the counted latents of each mode's samples."""
    counted = (counts.sum((1, 2, 3)) * error[0, 0].numel()).clamp(min=1)
    per_sample = ((error * counts).sum((1, 2, 3)) / counted).tolist()
    groups: dict[str, list[float]] = {}
    for value, mode in zip(per_sample, modes, strict=True):
        groups.setdefault(f"loss/{mode}", []).append(value)
    return {name: float(np.mean(values)) for name, values in groups.items()}
