from __future__ import annotations

import pytest
import torch
from diffusers import UniPCMultistepScheduler
from skyreels_schedulers.plugin import MultistepOptions
from skyreels_schedulers.solvers import Euler, UniPC, reference_schedule

from skyreels_cli import testing
from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import SchedulerSetting


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("unipc", {}),
        ("unipc", {"order": 1}),
        ("unipc", {"order": 3}),
        ("dpmpp", {}),
        ("dpmpp", {"order": 3}),
        ("euler", {}),
    ],
)
def test_conformance(name: str, options: dict[str, int]) -> None:
    testing.check_scheduler(name, options)


def test_the_schedule_worked_out_by_hand() -> None:
    """T = 4, shift 8: s = 0.999·(1, ¾, ½, ¼), shifted 8s / (1 + 7s)."""
    timesteps, sigmas = reference_schedule(4, 8.0)
    assert timesteps.tolist() == [999, 959, 888, 727]
    assert sigmas.tolist() == pytest.approx([0.999875, 0.959846, 0.888691, 0.727008, 0.0], abs=1e-6)


@pytest.mark.parametrize("steps", [1, 3, 30, 50])
@pytest.mark.parametrize("shift", [1.0, 3.0, 8.0])
def test_the_schedule_is_that_of_diffusers_given_the_references_sigmas(steps: int, shift: float) -> None:
    solver = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    largest = float(torch.tensor(1.0) - torch.tensor(1 / 1000))
    solver.set_timesteps(sigmas=torch.linspace(largest, 0.0, steps + 1, dtype=torch.float64)[:-1].numpy())
    timesteps, sigmas = reference_schedule(steps, shift)
    assert torch.equal(timesteps, solver.timesteps)
    assert torch.equal(sigmas, solver.sigmas)


def test_euler_by_hand() -> None:
    euler = Euler(SchedulerSetting(steps=2, shift=1.0, diffusion_forcing=True), Options())
    first, second = euler.sigmas[:2]
    sample = euler.step(torch.full((1, 1, 1, 1, 1), 2.0), torch.zeros(1, 1, 1, 1, 1))
    assert float(sample) == pytest.approx(2 * (second - first), abs=1e-6)
    last = euler.step(torch.ones(1, 1, 1, 1, 1), sample)
    assert float(last) == pytest.approx(2 * (second - first) - second, abs=1e-6)


def test_unipcs_first_correction_is_the_references_on_df_models_only() -> None:
    """There the reference overwrites the sample that the solver still refers to (see `UniPC`)."""
    random = torch.Generator().manual_seed(0)
    start, *velocities = torch.randn(4, 1, 2, 1, 2, 2, generator=random)
    results = []
    for forcing in (True, False):
        solver = UniPC(SchedulerSetting(steps=3, shift=5.0, diffusion_forcing=forcing), MultistepOptions())
        sample = start
        for velocity in velocities:
            sample = solver.step(velocity, sample)
        results.append(sample)
    stock = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0)
    stock.timesteps, stock.sigmas = reference_schedule(3, 5.0)
    stock.num_inference_steps = 3
    sample = start
    for timestep, velocity in zip(stock.timesteps, velocities, strict=True):
        sample = stock.step(velocity, timestep, sample, return_dict=False)[0]
    assert torch.equal(results[1], sample)
    assert not torch.allclose(results[0], sample)
