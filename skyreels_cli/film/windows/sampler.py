"""One window: from noise to clean latents, row by row of the timestep matrix (diffusion forcing, Chen et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.folder.tensor_tree import on_device
from skyreels_cli.film.windows.noise import Stream, condition_noise
from skyreels_cli.plan.matrix import progress_groups, updated_blocks
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.protocols import Scheduler

# Velocity in a row of latents (1, c, f, h, w) at timesteps (1, f).
Predict = Callable[[int, Tensor, Tensor], Tensor]

# Timestep of a block that has not begun (its index is 0) and of one that is finished.
NOT_BEGUN, FINISHED = 999, 0


class WindowSampler:
    """Denoises the latents `(c, f, h, w)` of one window in place; ready frames are never touched."""

    def __init__(
        self,
        window: Window,
        latents: Tensor,
        predict: Predict,
        make_scheduler: Callable[[], Scheduler],
        stream: Stream,
        addnoise_condition: int,
    ) -> None:
        self.window = window
        self.latents = latents
        self._predict = predict
        self._stream = stream
        self._addnoise = addnoise_condition
        self._groups = [(blocks, make_scheduler()) for blocks in progress_groups(window)]
        self._next_row = 0
        sample = make_scheduler()
        self._timesteps = (NOT_BEGUN, *sample.timesteps, FINISHED)
        self._sigmas = (sample.sigmas[0], *sample.sigmas[1:], 0.0)

    @torch.inference_mode()
    def run(self) -> Iterator[tuple[int, tuple[float, ...]]]:
        """Advance row by row; yields the row and the noise level (sigma) each latent frame has reached."""
        for row in range(self._next_row, self.window.rows):
            indices = self.window.steps[row]
            velocity = self._predict(row, *self._model_input(row, indices))
            updated = updated_blocks(self.window, row, len(self._timesteps) - 2)
            for blocks, scheduler in self._groups:
                if blocks[0] in updated:
                    self._advance(blocks, scheduler, velocity)
            self._next_row = row + 1
            yield row, self._noise_levels(indices)

    def state(self) -> dict[str, Any]:
        """All that the rest of the window depends on, as it is between two rows."""
        schedulers = [scheduler.state_dict() for _, scheduler in self._groups]
        return {"next_row": self._next_row, "latents": self.latents, "schedulers": schedulers}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of the same window."""
        self._next_row = state["next_row"]
        self.latents.copy_(state["latents"])
        for (_, scheduler), saved in zip(self._groups, state["schedulers"], strict=True):
            scheduler.load_state_dict(on_device(saved, self.latents.device))

    def _advance(self, blocks: tuple[int, ...], scheduler: Scheduler, velocity: Tensor) -> None:
        frames = torch.cat([torch.arange(self.window.blocks[b].start, self.window.blocks[b].stop) for b in blocks])
        frames = frames.to(self.latents.device)
        moved = scheduler.step(velocity[:, :, frames], self.latents[None, :, frames])
        self.latents[:, frames] = moved[0]

    def _model_input(self, row: int, indices: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Latents and per-frame timesteps of a row; the prefix enters with condition noise, if any."""
        latents = self.latents.unsqueeze(0)
        times = [self._timesteps[i] for i, b in zip(indices, self.window.blocks, strict=True) for _ in range(b.size)]
        prefix = self.window.prefix_latents
        if self._addnoise and prefix:
            share = self._addnoise / 1000
            noise = condition_noise(self._stream, self.window.index, row, latents[:, :, :prefix].shape)
            latents = latents.clone()
            latents[:, :, :prefix] = latents[:, :, :prefix] * (1 - share) + noise.to(latents.device) * share
            times[:prefix] = [self._addnoise] * prefix
        times += [FINISHED] * (latents.shape[2] - len(times))
        return latents, torch.tensor([times], device=latents.device)

    def _noise_levels(self, indices: tuple[int, ...]) -> tuple[float, ...]:
        """Sigma per latent frame once a row with these indices is done."""
        levels = [1.0 if index == 0 else self._sigmas[min(index, len(self._sigmas) - 1)] for index in indices]
        return tuple(level for level, block in zip(levels, self.window.blocks, strict=True) for _ in range(block.size))
