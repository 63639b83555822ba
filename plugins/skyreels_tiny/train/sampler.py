"""A small independent sampler for gates while training: UniPC for equal levels, Euler where frames differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .networks import Text, device, encode_text, velocity
from .stock import Stock, UniPCMultistepScheduler
from .vae import to_video
from .vae_modes import clip_mode, decode, encode

Bytes = NDArray[np.uint8]

OVERLAP = 17
"""Pixel frames that a window shares with the one before it."""


@dataclass
class Model:
    """What makes a film: networks, tokenizer, and the latents' mean and standard deviation (c,)."""

    vae: Stock
    transformer: Stock
    text_encoder: Stock
    tokenizer: Stock
    mean: Tensor
    std: Tensor


@dataclass(frozen=True)
class SamplerSettings:
    """How to sample; `lag` > 0 lets each latent frame run that many steps behind the one before."""

    steps: int = 30
    guidance: float = 1.0
    shift: float = 5.0
    addnoise: float = 0.0
    lag: int = 0
    frames: int = 9


def tokens(tokenizer: Stock, prompts: list[str], length: int | None = None) -> tuple[Tensor, Tensor]:
    """Tokenise to ids and mask (b, longest), or (b, length) where that is given and enough."""
    longest = max(len(ids) for ids in tokenizer(prompts)["input_ids"]) if length else 0
    padding = {"padding": "max_length", "max_length": max(longest, length)} if length else {"padding": True}
    batch = tokenizer(prompts, **padding, return_tensors="pt")
    return batch["input_ids"].to(device()), batch["attention_mask"].to(device())


def sigmas(steps: int, shift: float) -> Tensor:
    """Return the reference's levels, high to low, with a final 0: (steps + 1,)."""
    plain = torch.linspace(0.999, 0.0, steps + 1, dtype=torch.float64)[:-1]
    levels = shift * plain / (1 + (shift - 1) * plain)
    return torch.cat((levels, torch.zeros(1, dtype=torch.float64))).float()


@dataclass
class _Request:
    """What stays the same over a window: texts with and without prompt, clean latents, settings, condition
    noise.
    """

    texts: list[Text]
    settings: SamplerSettings
    ready: int
    end: Tensor | None
    noise: torch.Generator


@torch.no_grad()
def sample(
    model: Model,
    prompts: list[str],
    settings: SamplerSettings,
    seed: int,
    *,
    given: Tensor | None = None,
    end: Tensor | None = None,
) -> Tensor:
    """Denoise normalised latents (b, c, f, h, w).

    `given` (b, c, p, h, w) is a clean prefix; `end` (b, c, 1, h, w) a clean latent after the window.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (len(prompts), len(model.mean), settings.frames, 8, 14)
    latents = torch.randn(shape, generator=generator).to(device())
    ready = 0 if given is None else given.shape[2]
    if given is not None:
        latents[:, :, :ready] = given
    with torch.autocast(device().type, torch.bfloat16):
        both = (prompts, [""] * len(prompts))
        texts = [encode_text(model.text_encoder, *tokens(model.tokenizer, words)) for words in both]
        request = _Request(texts, settings, ready, end, generator)
        return _staggered(model, latents, request) if settings.lag else _together(model, latents, request)


def _together(model: Model, latents: Tensor, request: _Request) -> Tensor:
    """Denoise all frames alike by UniPC."""
    settings, ready = request.settings, request.ready
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=settings.shift
    )
    levels = sigmas(settings.steps, settings.shift)
    plain = np.linspace(0.999, 0.0, settings.steps + 1)[:-1]
    scheduler.set_timesteps(sigmas=plain, device=device())  # it shifts them itself
    for step, timestep in enumerate(scheduler.timesteps):
        level = levels[step].expand(latents.shape[2]).clone()
        predicted = _guided(model, latents, level, request)
        moved = scheduler.step(predicted[:, :, ready:], timestep, latents[:, :, ready:], return_dict=False)[0]
        latents = torch.cat((latents[:, :, :ready], moved), dim=2)
    return latents


def _staggered(model: Model, latents: Tensor, request: _Request) -> Tensor:
    """Denoise by Euler, each frame `lag` steps behind the one before it."""
    steps, frames = request.settings.steps, latents.shape[2]
    levels = sigmas(steps, request.settings.shift)
    behind = (torch.arange(frames) - request.ready).clamp(min=0) * request.settings.lag
    for row in range(steps + int(behind[-1])):
        index = (row - behind).clamp(0, steps)
        following = (row + 1 - behind).clamp(0, steps)
        predicted = _guided(model, latents, levels[index], request)
        change = (levels[following] - levels[index]).to(device())
        change[: request.ready] = 0.0
        latents = latents + predicted * change[None, None, :, None, None]
    return latents


def _guided(model: Model, latents: Tensor, level: Tensor, request: _Request) -> Tensor:
    """Predict the velocity at levels (f,), with the prefix slightly noised and classifier-free guidance."""
    entered, level = _entered(latents, level, request)
    times = (1000 * level).floor().expand(len(entered), -1).to(device())
    frames = latents.shape[2]
    wanted = velocity(model.transformer, entered, times, request.texts[0]).float()[:, :, :frames]
    scale = request.settings.guidance
    if scale <= 1:
        return wanted
    plain = velocity(model.transformer, entered, times, request.texts[1]).float()[:, :, :frames]
    return plain + scale * (wanted - plain)


def _entered(latents: Tensor, level: Tensor, request: _Request) -> tuple[Tensor, Tensor]:
    """Return what the model sees: the prefix with condition noise, the end frame appended, and their
    levels.
    """
    amount, ready = request.settings.addnoise / 1000.0, request.ready
    entered, level = latents.clone(), level.clone()
    level[:ready] = amount
    if ready and amount:
        fresh = torch.randn(entered[:, :, :ready].shape, generator=request.noise).to(device())
        entered[:, :, :ready] = (1 - amount) * entered[:, :, :ready] + amount * fresh
    if request.end is not None:
        return torch.cat((entered, request.end), dim=2), torch.cat((level, torch.zeros(1)))
    return entered, level


@torch.no_grad()
def to_latents(model: Model, films: Bytes) -> Tensor:
    """Encode uint8 films (b, f, h, w, 3) to normalised latents (b, c, f', h/8, w/8)."""
    with torch.autocast(device().type, torch.bfloat16), clip_mode():
        raw = encode(model.vae, to_video(films).to(device())).float()
    return (raw - model.mean[:, None, None, None]) / model.std[:, None, None, None]


@torch.no_grad()
def to_films(model: Model, latents: Tensor, batch: int = 4) -> Bytes:
    """Decode normalised latents to uint8 films (b, f, h, w, 3)."""
    raw = latents.float() * model.std[:, None, None, None] + model.mean[:, None, None, None]
    films = []
    for part in torch.split(raw, batch):
        with torch.autocast(device().type, torch.bfloat16), clip_mode():
            video = decode(model.vae, part).float().clamp(-1, 1)
        films.append(((video / 2 + 0.5) * 255).byte().movedim(1, -1).cpu().numpy())
    return np.concatenate(films)


def long_films(model: Model, prompts: list[str], settings: SamplerSettings, windows: int, seed: int) -> Bytes:
    """Make films of several windows, each after the first given the re-encoded last 17 frames."""
    films = to_films(model, sample(model, prompts, settings, seed))
    for window in range(1, windows):
        given = to_latents(model, films[:, -OVERLAP:])
        following = to_films(model, sample(model, prompts, settings, seed + 1000 * window, given=given))
        films = np.concatenate((films, following[:, OVERLAP:]), axis=1)
    return films
