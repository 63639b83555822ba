"""Scores for the gates and the model card: fixed prompts never trained on, sampled by the trainer's own
sampler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skyreels_tiny.captions import describe
from skyreels_tiny.meaning import Meaning, draw_meaning, draw_single
from skyreels_tiny.scoring import all_right, score
from skyreels_tiny.world import make_clip

from .sampler import Model, SamplerSettings, sample, to_films, to_latents

Bytes = NDArray[np.uint8]
WIDE_KINDS = ("resize", "gradient", "two", "pan", "zoom")


def unseen_prompts(count: int, first: int = 0) -> list[tuple[str, Meaning]]:
    """Return the fixed list of prompts about one object whose combination was held out of training."""
    return [
        _worded(draw_single(np.random.default_rng(770_000 + seed), unseen=True), seed)
        for seed in range(first, first + count)
    ]


def wide_prompts(count: int, kinds: tuple[str, ...] = WIDE_KINDS) -> list[tuple[str, Meaning]]:
    """Return the fixed list of prompts about the wider world, its kinds in turn."""
    return [
        _worded(draw_meaning(np.random.default_rng(880_000 + seed), kinds[seed % len(kinds)]), seed)
        for seed in range(count)
    ]


def _worded(meaning: Meaning, seed: int) -> tuple[str, Meaning]:
    return describe(meaning, np.random.default_rng(990_000 + seed)), meaning


def make_films(model: Model, prompts: list[str], settings: SamplerSettings, seed: int, batch: int = 16) -> Bytes:
    """Sample a film for each prompt: (n, f, h, w, 3) uint8."""
    films = []
    for start in range(0, len(prompts), batch):
        latents = sample(model, prompts[start : start + batch], settings, seed + start)
        films.append(to_films(model, latents))
    return np.concatenate(films)


def rates(
    films: Bytes, meanings: list[Meaning], judge: Callable[[Bytes, Meaning], dict[str, bool]] = score
) -> dict[str, float]:
    """Return the share of films right in each attribute asked for, and in all."""
    marks = [judge(film, meaning) for film, meaning in zip(films, meanings, strict=True)]
    names = sorted({name for mark in marks for name in mark})
    shares = {name: float(np.mean([mark[name] for mark in marks if name in mark])) for name in names}
    return shares | {"all": float(np.mean([all_right(mark) for mark in marks]))}


def gate(
    model: Model,
    count: int,
    settings: SamplerSettings,
    *,
    sheet: Path | None = None,
    seed: int = 0,
    wide: bool = False,
) -> dict[str, float]:
    """Score `count` unseen prompts; draw them as a contact sheet if asked."""
    asked = wide_prompts(count) if wide else unseen_prompts(count)
    films = make_films(model, [prompt for prompt, _ in asked], settings, seed)
    if sheet is not None:
        contact_sheet(films, sheet)
    meanings = [meaning for _, meaning in asked]
    if settings.frames == 1:
        meanings = [replace(meaning, motion="still") for meaning in meanings]
    return rates(films, meanings)


def image_to_video(model: Model, count: int, settings: SamplerSettings, seed: int = 0) -> dict[str, float]:
    """Give the first frame of unseen clips; score what moves from there."""
    asked, films = unseen_prompts(count), []
    for start in range(0, count, 15):
        part = asked[start : start + 15]
        first = np.stack(
            [
                make_clip(5_000_000 + start + i, 1, meaning=asked_one[1], begin=0.0).frames
                for i, asked_one in enumerate(part)
            ]
        )
        latents = sample(model, [prompt for prompt, _ in part], settings, seed + start, given=to_latents(model, first))
        films.append(to_films(model, latents))
    return rates(np.concatenate(films), [meaning for _, meaning in asked])


def end_frame_psnr(model: Model, count: int, settings: SamplerSettings, seed: int = 0) -> list[float]:
    """Ask for the last frame of unseen clips; return the PSNR of the films' last frames to it."""
    asked, values = unseen_prompts(count), []
    for start in range(0, count, 15):
        part = asked[start : start + 15]
        clips = [
            make_clip(6_000_000 + start + i, meaning=meaning, begin=0.0).frames for i, (_, meaning) in enumerate(part)
        ]
        wanted = np.stack([clip[-1:] for clip in clips])
        end = to_latents(model, wanted)
        films = to_films(model, sample(model, [prompt for prompt, _ in part], settings, seed + start, end=end))
        values += [psnr(film[-1], frame[0]) for film, frame in zip(films, wanted, strict=True)]
    return values


def psnr(first: Bytes, second: Bytes) -> float:
    """Return the peak signal-to-noise ratio of two uint8 pictures in dB."""
    error = float(np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2))
    return 10 * float(np.log10(255.0**2 / max(error, 1e-6)))


def round_trip(model: Model, count: int, frames: int = 33) -> NDArray[np.float64]:
    """Return the PSNR of each frame of held-out clips through the VAE: (n, frames)."""
    table = []
    for seed in range(count):
        clip = make_clip(20_000_000_000 + seed, frames).frames
        restored = to_films(model, to_latents(model, clip[None]))[0]
        table.append([psnr(one, two) for one, two in zip(clip, restored, strict=True)])
    return np.array(table)


def contact_sheet(films: Bytes, path: Path, moments: int = 6) -> None:
    """Save films as rows of evenly spaced frames, two films abreast where there are many."""
    places = np.linspace(0, films.shape[1] - 1, min(moments, films.shape[1])).round().astype(int)
    rows = [np.concatenate(list(np.pad(film[places], ((0, 0), (1, 1), (1, 1), (0, 0)))), axis=1) for film in films]
    if len(rows) > 8 or films.shape[1] == 1:
        wide = 2 if films.shape[1] > 1 else 8
        rows += [np.zeros_like(rows[0])] * (-len(rows) % wide)
        rows = [np.concatenate(rows[i : i + wide], axis=1) for i in range(0, len(rows), wide)]
    Image.fromarray(np.concatenate(rows)).save(path)
