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


@dataclass
class Model:
    """Everything that makes a film: networks, tokenizer, and the latents' mean and standard deviation (c,)."""

    vae: Stock
    transformer: Stock
    text_encoder: Stock
    tokenizer: Stock
    mean: Tensor
    std: Tensor


@dataclass(frozen=True)
class Settings:
    """How to sample; `lag` > 0 lets each latent frame run that many steps behind the one before."""

    steps: int = 30
    guidance: float = 1.0
    shift: float = 5.0
    addnoise: float = 0.0
    lag: int = 0
    frames: int = 9


def tokens(tokenizer: Stock, prompts: list[str]) -> tuple[Tensor, Tensor]:
    """Tokenise to ids and mask (b, longest)."""
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    return batch["input_ids"].to(device()), batch["attention_mask"].to(device())


def sigmas(steps: int, shift: float) -> Tensor:
    """Return the reference's levels, high to low, with a final 0: (steps + 1,)."""
    plain = torch.linspace(0.999, 0.0, steps + 1, dtype=torch.float64)[:-1]
    levels = shift * plain / (1 + (shift - 1) * plain)
    return torch.cat((levels, torch.zeros(1, dtype=torch.float64))).float()


@torch.no_grad()
def sample(
    model: Model,
    prompts: list[str],
    settings: Settings,
    seed: int,
    given: Tensor | None = None,
    end: Tensor | None = None,
) -> Tensor:
    """Denoise normalised latents (b, c, f, h, w) after the clean prefix `given` (b, c, p, h, w), before the clean latent `end`."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(prompts), len(model.mean), settings.frames, 8, 14)
    latents = torch.randn(shape, generator=generator).to(device())
    ready = 0 if given is None else given.shape[2]
    if given is not None:
        latents[:, :, :ready] = given
    with torch.autocast(device().type, torch.bfloat16):
        texts = [
            encode_text(model.text_encoder, *tokens(model.tokenizer, words))
            for words in (prompts, [""] * len(prompts))
        ]
        run = _staggered if settings.lag else _together
        return run(model, latents, ready, end, texts, settings, generator)


def _together(
    model: Model,
    latents: Tensor,
    ready: int,
    end: Tensor | None,
    texts: list[Text],
    settings: Settings,
    noise: torch.Generator,
) -> Tensor:
    """Denoise all frames alike by UniPC."""
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=settings.shift
    )
    levels = sigmas(settings.steps, settings.shift)
    scheduler.set_timesteps(sigmas=levels[:-1].numpy(), device=device())
    for step, timestep in enumerate(scheduler.timesteps):
        level = levels[step].expand(latents.shape[2]).clone()
        predicted = _guided(model, latents, level, ready, end, texts, settings, noise)
        moved = scheduler.step(predicted[:, :, ready:], timestep, latents[:, :, ready:], return_dict=False)[0]
        latents = torch.cat((latents[:, :, :ready], moved), dim=2)
    return latents


def _staggered(
    model: Model,
    latents: Tensor,
    ready: int,
    end: Tensor | None,
    texts: list[Text],
    settings: Settings,
    noise: torch.Generator,
) -> Tensor:
    """Denoise by Euler, each frame `lag` steps behind the one before it."""
    levels, frames = sigmas(settings.steps, settings.shift), latents.shape[2]
    behind = (torch.arange(frames) - ready).clamp(min=0) * settings.lag
    for row in range(settings.steps + int(behind[-1])):
        index = (row - behind).clamp(0, settings.steps)
        following = (row + 1 - behind).clamp(0, settings.steps)
        predicted = _guided(model, latents, levels[index], ready, end, texts, settings, noise)
        change = (levels[following] - levels[index]).to(device())
        change[:ready] = 0.0
        latents = latents + predicted * change[None, None, :, None, None]
    return latents


def _guided(
    model: Model,
    latents: Tensor,
    level: Tensor,
    ready: int,
    end: Tensor | None,
    texts: list[Text],
    settings: Settings,
    noise: torch.Generator,
) -> Tensor:
    """Predict the velocity at levels (f,), with the prefix slightly noised and classifier-free guidance."""
    amount, entered = settings.addnoise / 1000.0, latents.clone()
    level = level.clone()
    level[:ready] = amount
    if ready and amount:
        fresh = torch.randn(entered[:, :, :ready].shape, generator=noise).to(device())
        entered[:, :, :ready] = (1 - amount) * entered[:, :, :ready] + amount * fresh
    if end is not None:
        entered, level = torch.cat((entered, end), dim=2), torch.cat((level, torch.zeros(1)))
    times = (1000 * level).floor().expand(len(entered), -1).to(device())
    wanted = velocity(model.transformer, entered, times, texts[0]).float()[:, :, : latents.shape[2]]
    if settings.guidance <= 1:
        return wanted
    plain = velocity(model.transformer, entered, times, texts[1]).float()[:, :, : latents.shape[2]]
    return plain + settings.guidance * (wanted - plain)


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


def long_films(
    model: Model, prompts: list[str], settings: Settings, windows: int, seed: int, overlap: int = 17
) -> Bytes:
    """Make films of several windows, each after the first given the re-encoded last `overlap` frames."""
    films = to_films(model, sample(model, prompts, settings, seed))
    for window in range(1, windows):
        given = to_latents(model, films[:, -overlap:])
        following = to_films(model, sample(model, prompts, settings, seed + 1000 * window, given=given))
        films = np.concatenate((films, following[:, overlap:]), axis=1)
    return films
