"""Writes the bundle: a model folder in Diffusers layout that any engine loads like a downloaded one."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any, Final

import torch

from skyreels_tiny.tokenizer import write_tokenizer

from .sampler import Model
from .stock import Stock, UniPCMultistepScheduler

DEFAULTS: Final[dict[str, Any]] = {
    "resolution": "112x64",
    "num_frames": 97,
    "base_num_frames": 33,
    "overlap_history": 17,
    "inference_steps": 30,
    "guidance_scale": 2.0,
    "shift": 5.0,
    "addnoise_condition": 20,
    "frame_sink": True,
    "fps": 24,
    "negative_prompt": "",
}
"""Recipe defaults that suit this model; `skyreels.json` carries them and any model folder may have one."""

_INDEX: Final[dict[str, Any]] = {
    "_class_name": "SkyReelsV2DiffusionForcingPipeline",
    "_diffusers_version": "0.42.1",
    "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "TokenizersBackend"],
    "transformer": ["diffusers", "SkyReelsV2Transformer3DModel"],
    "vae": ["diffusers", "AutoencoderKLWan"],
}


def export(model: Model, folder: Path, defaults: dict[str, Any] | None = None) -> int:
    """Write the bundle to a folder beside `folder`, then swap it in; return its size in bytes."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _save_networks(model, partial)
    write_tokenizer(partial / "tokenizer")
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0)
    scheduler.save_pretrained(partial / "scheduler")
    _write_json(partial / "model_index.json", _INDEX)
    _write_json(partial / "skyreels.json", description(defaults or DEFAULTS))
    for path in partial.rglob("*.safetensors"):
        path.chmod(0o644)  # written readable by their owner alone
    _swap(partial, folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def description(defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the content of `skyreels.json`."""
    summary = "Bundled demo model: simple shapes and paper-cut scenes at 112x64. A toy, for first steps and tests."
    return {"name": "skyreels-tiny", "summary": summary, "defaults": defaults}


def _save_networks(model: Model, folder: Path) -> None:
    """Save the three networks in bfloat16, the VAE with the latents' statistics in its config."""
    vae = _rounded(model.vae)
    vae.register_to_config(
        latents_mean=[round(float(value), 5) for value in model.mean],
        latents_std=[round(float(value), 5) for value in model.std],
    )
    vae.save_pretrained(folder / "vae")
    _rounded(model.transformer).save_pretrained(folder / "transformer")
    _rounded(model.text_encoder).save_pretrained(folder / "text_encoder")


def _rounded(network: Stock) -> Stock:
    """Copy a network in bfloat16; parameter by parameter, for `to` warns of layers that loaders keep in float32."""
    rounded = copy.deepcopy(network).cpu()
    for parameter in rounded.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    return rounded


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def _swap(partial: Path, folder: Path) -> None:
    """Put `partial` in the place of `folder` by renaming."""
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    partial.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
