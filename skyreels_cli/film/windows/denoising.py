"""A window about to be denoised: what every rank is told of it, and what it makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from skyreels_cli.film.folder.tensor_tree import on_device
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.film.windows.denoiser import Denoiser
from skyreels_cli.film.windows.noise import Stream
from skyreels_cli.film.windows.sampler import WindowSampler
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.schema import Recipe

CPU = torch.device("cpu")


@dataclass(frozen=True)
class WindowTask:
    """A window from its first row on, or from where a `checkpoint` of it was left.

    `latents` `(c, f, h, w)` are denoised in place; `texts` `(1, 512, text_dim)` each; `inputs` are what else the
    model's family gives to each forward pass.
    """

    window: Window
    guidance_scale: float
    stream: Stream
    texts: tuple[Tensor, ...]
    latents: Tensor
    inputs: Mapping[str, Tensor]
    tokens_per_frame: int
    checkpoint: dict[str, Any] | None


def begin(
    task: WindowTask, recipe: Recipe, model: LoadedModel, transformer: Transformer
) -> tuple[WindowSampler, WindowCache | None]:
    """The sampler of a window and the recipe's cache, both where the checkpoint left them.

    A window begins again if its cache cannot take up the checkpoint.
    """
    window, texts, forcing = task.window, task.texts, model.facts.traits.forcing
    arguments = (recipe, window, len(texts), model.facts.family, transformer, task.tokens_per_frame)
    cache = WindowCache(*arguments) if recipe.cache else None
    sampler = WindowSampler(
        window,
        task.latents,
        Denoiser(transformer, recipe, window, texts, task.guidance_scale, model, task.inputs, cache),
        lambda: make_scheduler(recipe.scheduler, recipe.inference_steps, recipe.shift, forcing, recipe.options),
        task.stream,
        recipe.addnoise_condition,
    )
    if task.checkpoint and (cache is None or cache.resumable):
        sampler.load_state(task.checkpoint)
        if cache:
            cache.load_state_dict(on_device(task.checkpoint["cache"], task.latents.device))
    return sampler, cache


def share(task: WindowTask | None) -> None:
    """Rank 0: let the other ranks begin a window as well (None: there is no more). They must `hear` it."""
    dist.broadcast_object_list([task and _on(CPU, task)], device=CPU)


def hear(device: torch.device) -> WindowTask | None:
    """Any other rank: wait for what rank 0 shares."""
    tasks: list[WindowTask | None] = [None]
    dist.broadcast_object_list(tasks, device=CPU)
    return tasks[0] and _on(device, tasks[0])


def _on(device: torch.device, task: WindowTask) -> WindowTask:
    inputs = {name: tensor.to(device) for name, tensor in task.inputs.items()}
    texts = tuple(text.to(device) for text in task.texts)
    return replace(task, texts=texts, latents=task.latents.to(device), inputs=inputs)
