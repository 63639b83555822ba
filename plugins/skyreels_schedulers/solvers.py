"""diffusers' solvers as schedulers of skyreels: the same noise levels for all, and a state that can be saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)
from torch import Tensor

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import SchedulerSetting
from skyreels_schedulers.plugin import MultistepOptions


class Solver:
    """One of diffusers' solvers, set to the reference's timesteps and sigmas: a `Scheduler`.

    Its state is the attributes named in `_kept` that are not None, and for multistep solvers the model outputs that
    they look back on.
    """

    _kept: tuple[str, ...] = ("_step_index",)

    def __init__(self, solver: Any, setting: SchedulerSetting) -> None:
        self._solver = solver
        timesteps, sigmas = reference_schedule(setting.steps, setting.shift)
        solver.set_timesteps(setting.steps)  # for all that hangs on the number of steps
        solver.timesteps, solver.sigmas = timesteps, sigmas
        solver.set_begin_index(0)
        self.timesteps = tuple(int(t) for t in timesteps)
        self.sigmas = tuple(float(s) for s in sigmas)

    def step(self, velocity: Tensor, sample: Tensor) -> Tensor:
        """The sample at the next sigma; all are `(1, c, f, h, w)` in float32."""
        timestep = self._solver.timesteps[self._solver.step_index or 0]
        moved: Tensor = self._solver.step(velocity, timestep, sample, return_dict=False)[0]
        return moved

    def state_dict(self) -> dict[str, Any]:
        """Step, order and past model outputs, without what is None."""
        state = {name: getattr(self._solver, name, None) for name in self._kept}
        outputs = getattr(self._solver, "model_outputs", ())
        state["model_outputs"] = [output for output in outputs if output is not None]
        return {name: value for name, value in state.items() if value is not None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; outputs that it lacks had not been computed yet."""
        for name in self._kept:
            if name in state:
                setattr(self._solver, name, state[name])
        if hasattr(self._solver, "model_outputs"):
            unknown = len(self._solver.model_outputs) - len(state["model_outputs"])
            self._solver.model_outputs = [None] * unknown + list(state["model_outputs"])


class UniPC(Solver):
    """UniPC (`bh2`, x0 prediction; Zhao et al. 2023) on flow-matching sigmas, as in the reference.

    The reference's diffusion-forcing loop hands the solver a view of the latents and then overwrites them, so its
    first correction starts from the first prediction instead of the noise. Only the first: later samples are
    tensors of the solver's own. The models' published films are made that way, hence `_overwrites_sample`.
    """

    _kept = ("_step_index", "lower_order_nums", "this_order", "last_sample")

    def __init__(self, setting: SchedulerSetting, options: MultistepOptions) -> None:
        solver = UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=setting.shift,
            solver_order=options.order,
        )
        super().__init__(solver, setting)
        self._overwrites_sample = setting.diffusion_forcing

    def step(self, velocity: Tensor, sample: Tensor) -> Tensor:
        """The sample at the next sigma; after the first one the solver looks back on its own prediction."""
        first = not self._solver.step_index
        moved = super().step(velocity, sample)
        if self._overwrites_sample and first:
            self._solver.last_sample = moved
        return moved


class DPMSolverPP(Solver):
    """DPM-Solver++ (Lu et al. 2022), midpoint, on flow-matching sigmas."""

    _kept = ("_step_index", "lower_order_nums")

    def __init__(self, setting: SchedulerSetting, options: MultistepOptions) -> None:
        solver = DPMSolverMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=setting.shift,
            solver_order=options.order,
        )
        super().__init__(solver, setting)


class Euler(Solver):
    """Euler's method: x += (s' − s) · velocity."""

    def __init__(self, setting: SchedulerSetting, options: Options) -> None:
        super().__init__(FlowMatchEulerDiscreteScheduler(shift=setting.shift), setting)

    def step(self, velocity: Tensor, sample: Tensor) -> Tensor:
        """The sample at the next sigma; diffusers refuses whole numbers as timesteps here."""
        timestep = float(self._solver.timesteps[self._solver.step_index or 0])
        moved: Tensor = self._solver.step(velocity, timestep, sample, return_dict=False)[0]
        return moved


def reference_schedule(steps: int, shift: float) -> tuple[Tensor, Tensor]:
    """The T timesteps (int64) and T + 1 sigmas (float32) of tests/golden/REFERENCE.md §1; the last sigma is 0.

    Before the shift, sigmas go evenly from 1 − 1/1000 (in float32) down to 0. They are not those that diffusers'
    solvers choose for a number of steps: at 50 steps timesteps differ by up to 6.
    """
    largest = float(np.float32(1.0) - np.float32(1 / 1000))
    even = np.linspace(largest, 0.0, steps + 1)[:-1]
    shifted = shift * even / (1 + (shift - 1) * even)
    sigmas = np.append(shifted, 0.0).astype(np.float32)
    return torch.from_numpy((shifted * 1000).astype(np.int64)), torch.from_numpy(sigmas)
