"""A window or turn being denoised: what every rank is told of it, and the sampler and cache that it makes of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.folder.tensor_tree import on_device
from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.film.windows.denoiser import Denoiser
from skyreels_cli.film.windows.noise import Stream
from skyreels_cli.film.windows.sampler import Levels, Step, WindowSampler
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.hub.family import family_named
from skyreels_cli.model.family import family_model
from skyreels_cli.model.loading import DTYPES
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.branches import guidance_branches
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.schema import Recipe


@dataclass(frozen=True)
class WindowTask:
    """A window from its first step on, or from where a `checkpoint` of it was left.

    `latents` `(c, f, h, w)` are those before the first step; `texts` `(1, 512, text_dim)` the prompt's and, under
    guidance, the negative prompt's; `inputs` are what else the model's family gives to each forward pass, and
    `schedulers` the states of the schedulers of blocks that earlier turns have begun.
    """

    window: Window
    guidance_scale: float
    stream: Stream
    texts: tuple[Tensor, ...]
    latents: Tensor
    tokens_per_frame: int
    checkpoint: dict[str, Any] | None = None
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    schedulers: list[dict[str, Any]] = field(default_factory=list)

    def on(self, device: torch.device) -> WindowTask:
        """The same task with its tensors on a device."""
        texts = tuple(text.to(device) for text in self.texts)
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        schedulers = on_device(self.schedulers, device)
        return replace(self, texts=texts, latents=self.latents.to(device), inputs=inputs, schedulers=schedulers)


class Denoising:
    """The sampler and the cache of a task; it must be closed.

    The window begins again if its cache cannot take up the task's checkpoint. `before_step` is called before each step.
    """

    def __init__(
        self,
        task: WindowTask,
        recipe: Recipe,
        family: str,
        transformer: Transformer,
        before_step: Callable[[], None] | None = None,
    ) -> None:
        forcing, dtype = family_named(family).forcing, DTYPES[recipe.dtype]
        branches = guidance_branches(recipe, task.window)
        self.window = task.window
        self.cache = (
            WindowCache(recipe, task.window, branches, family, transformer, task.tokens_per_frame, dtype.itemsize)
            if recipe.cache
            else None
        )
        model = family_model(family)
        self._denoiser = Denoiser(
            transformer,
            recipe,
            task.window,
            task.texts,
            task.guidance_scale,
            task.stream,
            dtype,
            model,
            task.inputs,
            self.cache,
        )
        self._before_step = before_step
        self.sampler = WindowSampler(
            task.window,
            task.latents,
            self._predict,
            lambda: make_scheduler(recipe.scheduler, recipe.inference_steps, recipe.shift, forcing, recipe.options),
            task.stream,
            recipe.addnoise_condition,
            task.schedulers,
        )
        if task.checkpoint and self.resumable:
            self.load_state(task.checkpoint)

    def run(self) -> Iterator[tuple[int, Levels]]:
        """Denoise step by step, until `latents` are clean; yields each row and the noise levels reached by it."""
        return self.sampler.run()

    @property
    def latents(self) -> Tensor:
        """The latents `(c, f, h, w)` as they are after the last step."""
        return self.sampler.latents

    @property
    def steps_done(self) -> int:
        """Steps behind the latents, those of a checkpoint included."""
        return self.sampler.steps_done

    @property
    def resumable(self) -> bool:
        """Whether the window can be saved between two steps and go on from there."""
        return self.cache is None or self.cache.resumable

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {**self.sampler.state(), **({"cache": self.cache.state_dict()} if self.cache else {})}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint of the same window."""
        self.sampler.load_state(state)
        if self.cache:
            self.cache.load_state_dict(on_device(state["cache"], self.sampler.latents.device))

    def close(self) -> dict[str, Any]:
        """End the window, or break it off; what the cache has to tell about it."""
        return self.cache.close() if self.cache else {}

    def _predict(self, step: Step, latents: Tensor) -> Tensor:
        if self._before_step:
            self._before_step()
        return self._denoiser(step, latents)
