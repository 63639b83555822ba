"""One pass: from noise to clean latents, row by row of the timestep matrix (diffusion forcing, Chen et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from skyreels_cli.film.folder.tensor_tree import on_device
from skyreels_cli.film.windows.noise import PrefixNoise, Stream
from skyreels_cli.plan.matrix import progress_groups, updated_blocks
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.protocols import Scheduler
from skyreels_cli.recipe.condition_noise import ConditionNoise

T = TypeVar("T")

# Timestep of a block that has not begun (its index is 0) and of one that is finished.
NOT_BEGUN, FINISHED = 999, 0


@dataclass(frozen=True)
class Step:
    """One row of the timestep matrix as the model is told of it.

    For each latent frame, an end frame included: its timestep in 0 … 999, and whether the scheduler uses its velocity.
    """

    row: int
    timesteps: tuple[int, ...]
    moving: tuple[bool, ...]


# Velocity (1, c, f, h, w) in float32 of latents of the same shape, in one step.
Predict = Callable[[Step, Tensor], Tensor]

Levels = tuple[float, ...]
"""Noise level (sigma) of each latent frame that is denoised, 1 … 0."""


class WindowSampler:
    """Denoises the latents of one window or turn; `latents` `(c, f, h, w)` holds a copy of its own after each step.

    Ready blocks and the end frame are never changed. `schedulers` are the states of those of blocks that have begun.
    """

    def __init__(
        self,
        window: Window,
        latents: Tensor,
        predict: Predict,
        make_scheduler: Callable[[], Scheduler],
        stream: Stream,
        addnoise_condition: ConditionNoise,
        schedulers: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.window = window
        self.latents = latents.clone()
        self._predict = predict
        self._prefix_noise = PrefixNoise(stream, window)
        self._addnoise = addnoise_condition
        self._groups = [(blocks, make_scheduler()) for blocks in progress_groups(window)]
        self._next_row = 0
        sample = make_scheduler()
        self._timesteps = (NOT_BEGUN, *sample.timesteps, FINISHED)
        self._sigmas = (1.0, *sample.sigmas[1:], 0.0)
        begun = [scheduler for blocks, scheduler in self._groups if window.steps[0][blocks[0]] > 1]
        self._load(begun, schedulers)

    def run(self) -> Iterator[tuple[int, Levels]]:
        """Advance step by step, until `latents` are clean; yields each row and the noise levels reached by it."""
        while self._next_row < self.window.rows:
            row = self._next_row
            self._advance(row)
            self._next_row = row + 1
            yield row, self._levels(row)

    @property
    def steps_done(self) -> int:
        """Rows that the latents have gone through."""
        return self._next_row

    def state(self) -> dict[str, Any]:
        """All that the rest of the window depends on, as it is between two steps."""
        schedulers = [scheduler.state_dict() for _, scheduler in self._groups]
        return {"next_row": self._next_row, "latents": self.latents, "schedulers": schedulers}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of the same window."""
        self._next_row = state["next_row"]
        self.latents = state["latents"].to(self.latents.device, copy=True)
        self._load([scheduler for _, scheduler in self._groups], state["schedulers"])

    def unfinished(self) -> list[dict[str, Any]]:
        """The states of the schedulers of blocks that are part-way after the last row, in order."""
        last, finished = self.window.steps[-1], len(self._timesteps) - 2
        return [scheduler.state_dict() for blocks, scheduler in self._groups if 0 < last[blocks[0]] < finished]

    def _load(self, schedulers: Sequence[Scheduler], states: Sequence[dict[str, Any]]) -> None:
        for scheduler, saved in zip(schedulers, states, strict=True):
            scheduler.load_state_dict(on_device(saved, self.latents.device))

    @torch.inference_mode()
    def _advance(self, row: int) -> None:
        """Ask the model for the velocity of a row, and move the blocks whose index changes in it."""
        updated = updated_blocks(self.window, row, len(self._timesteps) - 2)
        velocity = self._predict(self._step(row, updated), self._model_input(row))
        for blocks, scheduler in self._groups:
            if blocks[0] in updated:
                self._move(blocks, scheduler, velocity)

    def _step(self, row: int, updated: tuple[int, ...]) -> Step:
        times = self._per_frame([self._timesteps[index] for index in self.window.steps[row]])
        moving = self._per_frame([block in updated for block in range(len(self.window.blocks))])
        prefix = self.window.prefix_latents
        times = (self._condition_time(row),) * prefix + times[prefix:]
        end = self.window.end_frame
        return Step(row, times + (FINISHED,) * end, moving + (False,) * end)

    def _model_input(self, row: int) -> Tensor:
        """The latents as `(1, c, f, h, w)`; the prefix enters with condition noise, if any."""
        return self._prefix_noise.mixed(self.latents.unsqueeze(0), row, self._condition_time(row) / 1000)

    def _condition_time(self, row: int) -> int:
        """Timestep of the prefix: the same in every row, or (`auto`) that of the first block behind it.

        Then what earlier windows have left shows its details, and with them its errors, no earlier than the rest has
        details of its own (HiAR, arXiv 2603.08703); a start image has no such errors.
        """
        if self._addnoise != "auto":
            return self._addnoise
        if not self.window.history_latents:
            return FINISHED
        first = next(number for number, block in enumerate(self.window.blocks) if not block.ready)
        return self._timesteps[self.window.steps[row][first]]

    def _move(self, blocks: tuple[int, ...], scheduler: Scheduler, velocity: Tensor) -> None:
        frames = torch.cat([torch.arange(self.window.blocks[b].start, self.window.blocks[b].stop) for b in blocks])
        frames = frames.to(self.latents.device)
        moved = scheduler.step(velocity[:, :, frames], self.latents[None, :, frames])
        self.latents[:, frames] = moved[0]

    def _levels(self, row: int) -> Levels:
        last = len(self._sigmas) - 1
        return self._per_frame([self._sigmas[min(index, last)] for index in self.window.steps[row]])

    def _per_frame(self, of_blocks: list[T]) -> tuple[T, ...]:
        """A value of each block, repeated for its latent frames."""
        return tuple(
            value for value, block in zip(of_blocks, self.window.blocks, strict=True) for _ in range(block.size)
        )
