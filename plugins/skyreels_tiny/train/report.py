"""The figures of the model card: every claim of what the bundle can do, measured by the trainer's own sampler."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from skyreels_tiny.scoring import look, score

from .evaluate import (
    contact_sheet,
    end_frame_psnr,
    gate,
    image_to_video,
    make_films,
    round_trip,
    unseen_prompts,
)
from .sampler import Model, SamplerSettings, long_films
from .stock import AutoencoderKLWan, AutoTokenizer, SkyReelsV2Transformer3DModel, Stock, UMT5EncoderModel

SHOWCASE: Final = (
    "a red circle moves to the right over a dark blue background",
    "a yellow star moves up over a purple background",
    "a white square moves to the left over a green background",
    "a green triangle rises over a white background",
    "a black star stays still on an orange background",
    "a purple circle falls in front of a grey wall",
    "an orange square grows over a brown background",
    "a blue circle shrinks over a white background",
    "a red star and a white circle over a dark blue background",
    "a yellow circle moves to the left over a gradient from dark blue to red",
    "a white swan on a lake at dawn",
    "a red balloon drifts to the right over the hills by day",
)
"""Twelve prompts for the contact sheet."""


def load_bundle(folder: Path) -> Model:
    """Load an exported bundle through the stock classes, as float32."""
    vae: Stock = AutoencoderKLWan.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    transformer = SkyReelsV2Transformer3DModel.from_pretrained(folder / "transformer", torch_dtype=torch.float32)
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    mean, std = torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)
    return Model(vae.eval(), transformer.eval(), encoder.eval(), tokenizer, mean, std)


def report(folder: Path, target: Path, parts: list[str], settings: SamplerSettings, scale: float = 1.0) -> None:
    """Measure `parts` on `scale` times the usual number of films; write `scores.json` and sheets into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / "scores.json"
    scores = json.loads(path.read_text()) if path.exists() else {}
    model = load_bundle(folder)
    for part in parts:
        scores[part] = MEASURES[part](model, settings, scale, target)
        path.write_text(json.dumps(scores, indent=2) + "\n")
        print(part, scores[part], flush=True)


def _count(usual: int, scale: float) -> int:
    return max(1, round(usual * scale))


def _single(model: Model, settings: SamplerSettings, scale: float, target: Path) -> dict[str, float]:
    count = _count(100, scale)
    return {"n": count, **gate(model, count, settings, sheet=target / "single.png")}


def _wide(model: Model, settings: SamplerSettings, scale: float, target: Path) -> dict[str, float]:
    count = _count(60, scale)
    return {"n": count, **gate(model, count, settings, sheet=target / "wide.png", wide=True)}


def _async(model: Model, settings: SamplerSettings, scale: float, target: Path) -> dict[str, float]:
    count = _count(100, scale)
    return {"n": count, **gate(model, count, replace(settings, lag=2), sheet=target / "async.png")}


def _image(model: Model, settings: SamplerSettings, scale: float, _target: Path) -> dict[str, float]:
    count = _count(30, scale)
    return {"n": count, **image_to_video(model, count, settings)}


def _end(model: Model, settings: SamplerSettings, scale: float, _target: Path) -> dict[str, float]:
    values = np.array(end_frame_psnr(model, _count(30, scale), settings))
    return {"n": len(values), "psnr": float(values.mean()), "over 25 dB": float((values >= 25).mean())}


def _vae(model: Model, _settings: SamplerSettings, scale: float, _target: Path) -> dict[str, float]:
    values = round_trip(model, _count(40, scale))
    clips = values.mean(1)
    figures = {"n": len(values), "mean": clips.mean(), "worst clip": clips.min(), "worst frame": values.min()}
    figures |= {"first frames": values[:, :5].mean(), "last frames": values[:, -5:].mean()}
    return {name: round(float(value), 2) for name, value in figures.items()}


def _long(model: Model, settings: SamplerSettings, scale: float, target: Path) -> dict[str, float]:
    """Make films of ten windows, 177 frames; score the last window's object, colour and background."""
    count, windows = _count(20, scale), 10
    asked = unseen_prompts(count, first=200)
    films = long_films(model, [prompt for prompt, _ in asked], settings, windows, seed=7)
    contact_sheet(films, target / "long.png", moments=10)
    last = [
        score(film[-16:], replace(meaning, motion="still")) for film, (_, meaning) in zip(films, asked, strict=True)
    ]
    names = ("object", "shape", "colour", "background")
    shares = {name: float(np.mean([marks[name] for marks in last])) for name in names}
    good = [marks["object"] and marks["colour"] and marks["background"] for marks in last]
    return {"n": count, **shares, "object, colour and background": float(np.mean(good)), **_by_window(films)}


def _by_window(films: np.ndarray) -> dict[str, float]:
    """Return the share of films in which an object is seen, for the first, middle and last window."""
    places = {"first": films[:, :16], "middle": films[:, 80:96], "last": films[:, -16:]}
    return {
        f"seen in {name}": float(np.mean([look(film) is not None for film in part])) for name, part in places.items()
    }


def _showcase(model: Model, settings: SamplerSettings, _scale: float, target: Path) -> dict[str, float]:
    contact_sheet(make_films(model, list(SHOWCASE), settings, seed=1), target / "showcase.png")
    return {"n": len(SHOWCASE)}


MEASURES: Final = {
    "single": _single,
    "wide": _wide,
    "async": _async,
    "image": _image,
    "end": _end,
    "vae": _vae,
    "long": _long,
    "showcase": _showcase,
}
"""What can be measured; `--report` runs all of them unless parts are named."""
