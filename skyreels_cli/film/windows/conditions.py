"""Clean latents that a window is given: the prefix, the first image and the end frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.windows.history import History
from skyreels_cli.media.image import read_image
from skyreels_cli.model.vae import encode_frames, from_bytes
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.shots import Shot


def start_latents(noise: Tensor, window: Window, shot: Shot, recipe: Recipe, history: History, vae: Any) -> Tensor:
    """The window's latents `(c, f, h, w)` before its first row: noise, behind the prefix, before the end frame."""
    latents = noise
    if window.prefix_latents:
        known = _image_latent(shot.image, recipe, vae) if window.fresh else history.prefix(window)
        latents[:, : window.prefix_latents] = known
    if window.end_frame:
        latents = torch.cat([latents, _image_latent(shot.end_image, recipe, vae)], dim=1)
    return latents


def _image_latent(path: str | None, recipe: Recipe, vae: Any) -> Tensor:
    """A picture as a one-frame latent `(c, 1, h, w)`, cropped and resized to the film."""
    assert path is not None
    pixels = torch.from_numpy(read_image(Path(path), recipe.width, recipe.height))
    return encode_frames(vae, from_bytes(pixels.unsqueeze(0)))
