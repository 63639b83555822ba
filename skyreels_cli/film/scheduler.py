"""Schedulers: diffusers' solvers on the reference's sigmas, one instance per group of latent frames in step."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from skyreels_cli.errors import PluginError


class Scheduler(Protocol):
    """Integrates one group of latent frames from noise to clean latents."""

    timesteps: tuple[int, ...]
    sigmas: tuple[float, ...]

    def step(self, velocity: Tensor, sample: Tensor) -> Tensor:
        """The sample at the next sigma, from the model's `velocity`; both `(1, c, f, h, w)` in float32."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What the next steps depend on: tensors, numbers, strings, lists and dicts of them; no None."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state, bit for bit, in a scheduler that was made with the same settings."""
        ...


class UniPC:
    """UniPC of order 2 (`bh2`, x0 prediction; Zhao et al. 2023) on flow-matching sigmas, as in the reference.

    The reference's diffusion-forcing loop hands the solver a view of the latents and then overwrites them, so its
    first correction starts from the first prediction instead of the noise. Only the first: later samples are
    tensors of the solver's own. The models' published films are made that way, hence `overwrites_sample`.
    """

    def __init__(self, steps: int, shift: float, overwrites_sample: bool) -> None:
        self._solver = UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift, solver_order=2
        )
        self._solver.set_timesteps(sigmas=linear_sigmas(steps))
        self._solver.set_begin_index(0)
        self._overwrites_sample = overwrites_sample
        self.timesteps = tuple(int(t) for t in self._solver.timesteps)
        self.sigmas = tuple(float(s) for s in self._solver.sigmas)

    def step(self, velocity: Tensor, sample: Tensor) -> Tensor:
        """See `Scheduler.step`."""
        index = self._solver.step_index or 0
        result: Tensor = self._solver.step(velocity, self._solver.timesteps[index], sample, return_dict=False)[0]
        if self._overwrites_sample and index == 0:
            self._solver.last_sample = result
        return result

    def state_dict(self) -> dict[str, Any]:
        """See `Scheduler.state_dict`."""
        solver = self._solver
        if solver.step_index is None:
            return {}
        return {
            "step_index": solver.step_index,
            "order": solver.this_order,
            "model_outputs": [output for output in solver.model_outputs if output is not None],
            "last_sample": solver.last_sample,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See `Scheduler.load_state_dict`."""
        if not state:
            return
        solver = self._solver
        known = list(state["model_outputs"])
        solver.model_outputs = [None] * (solver.config.solver_order - len(known)) + known
        solver.lower_order_nums = len(known)
        solver.this_order = state["order"]
        solver.last_sample = state["last_sample"]
        solver._step_index = state["step_index"]  # noqa: SLF001 - diffusers has no setter for it


def linear_sigmas(steps: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The reference's unshifted sigmas: from 1 − 1/1000 (in float32) down to 0, without the 0."""
    largest = float(torch.tensor(1.0, dtype=torch.float32) - torch.tensor(1 / 1000, dtype=torch.float32))
    return np.linspace(largest, 0.0, steps + 1)[:-1]


def make_scheduler(name: str, steps: int, shift: float, diffusion_forcing: bool) -> Scheduler:
    """A fresh scheduler by name."""
    if name != "unipc":
        raise PluginError("scheduler-unknown", f"no scheduler is called {name}", "use --scheduler unipc")
    return UniPC(steps, shift, overwrites_sample=diffusion_forcing)
