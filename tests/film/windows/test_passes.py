"""Turns of a rolling film against a plain loop over the whole film, with one solver for each latent frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from skyreels_cli.film.windows.noise import Stream, condition_noise
from skyreels_cli.film.windows.passes import Made
from skyreels_cli.film.windows.sampler import WindowSampler
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.plan.rolling import rolling_lag
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import plan_windows
from skyreels_cli.recipe.condition_noise import ConditionNoise

SHIFT = 8.0
STREAM = Stream(11)
SIZE = (4, 3, 5)  # channels, rows, columns


def velocity_of(latents: Tensor, times: Tensor) -> Tensor:
    """A stand-in for the model: every frame depends on all that are seen, and on its own timestep."""
    mixed = latents + 0.3 * latents.mean(dim=2, keepdim=True)
    return torch.sin(2 * mixed) + latents * (times[:, None, :, None, None] / 1000 - 0.5)


def plain(
    sizes: WindowSizes, latents: Tensor, prefix: int, noise_on_history: ConditionNoise, rows_of_windows: list[int]
) -> Tensor:
    """Block after block of the film becomes clean; each row sees the last clean latents and what fits behind them."""
    channels, length, *_ = latents.shape
    steps, size = sizes.inference_steps, sizes.block_size
    begins = [int(block * min(sizes.ar_step, steps)) for block in range(length)]
    even = np.linspace(float(np.float32(1) - np.float32(1 / 1000)), 0, steps + 1)[:-1]
    timesteps = [999, *(int(1000 * SHIFT * s / (1 + (SHIFT - 1) * s)) for s in even), 0]
    solvers = []
    for _ in range(length):
        solver = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT)
        solver.set_timesteps(sigmas=even)
        solvers.append(solver)
    latents = latents.clone()
    block_of = [-1] * prefix + [frame // size for frame in range(length - prefix)]
    row_of_film = row_of_window = window = 0
    for clean in range(block_of[-1] + 1):
        first_new = prefix + clean * size
        history = min(sizes.overlap, first_new)
        fits = ((sizes.base or 0) - history) // size
        seen = range(first_new - history, min(first_new + fits * size, length))
        for _ in range(begins[clean] - begins[clean - 1] if clean else steps):
            if row_of_window == rows_of_windows[window]:
                row_of_window, window = 0, window + 1
            index = [min(max(row_of_film + 1 - begins[max(block_of[f], 0)], 0), steps + 1) for f in seen]
            times = [0 if f < first_new else timesteps[i] for f, i in zip(seen, index, strict=True)]
            model_input = latents[:, seen.start : seen.stop].clone()
            addnoise = times[history] if noise_on_history == "auto" else noise_on_history
            if addnoise:
                times[:history] = [addnoise] * history
                noise = condition_noise(STREAM, window, row_of_window, (1, channels, history, *SIZE[1:]))[0]
                model_input[:, :history] *= 1 - addnoise / 1000
                model_input[:, :history] += noise * addnoise / 1000
            velocity = velocity_of(model_input[None], torch.tensor([times]))[0]
            for place, frame in enumerate(seen):
                if frame >= first_new and 0 < index[place] <= steps:
                    solver = solvers[frame]
                    step = solver.step(velocity[:, place], solver.timesteps[index[place] - 1], latents[:, frame])
                    latents[:, frame] = step.prev_sample
            row_of_film, row_of_window = row_of_film + 1, row_of_window + 1
    return latents


CASES: dict[str, dict[str, Any]] = {
    "six steps in five blocks": {},
    "three steps in five blocks": {"steps": 3},
    "one latent a row": {"steps": 5},
    "two latents a block": {"block": 2, "steps": 4},
    "a last block that is smaller": {"block": 3, "frames": 77},
    "a window of one block": {"base": 4, "overlap": 3},
    "blocks far apart": {"lag": 7},
    "an image": {"start": "image"},
    "noise on the history": {"addnoise": 40, "block": 2},
    "as much of it as on what follows": {"addnoise": "auto", "block": 2, "steps": 4},
}


@pytest.mark.parametrize("name", CASES)
def test_turns_are_one_pass_over_the_film(name: str) -> None:
    said = {"base": 7, "overlap": 2, "block": 1, "steps": 6, "frames": 81, "start": "nothing", "addnoise": 0}
    said |= CASES[name]
    lag = rolling_lag(said["steps"], said.get("lag", 0), said["base"], said["overlap"], said["block"])
    sizes = WindowSizes(4, said["base"], said["overlap"], said["block"], said["steps"], lag, rolling=True)
    windows = plan_windows(sizes, [ShotFrames(said["frames"], said["start"])])
    prefix, length = windows[0].prefix_latents, (said["frames"] + 2) // 4 + 1
    noise = torch.randn(SIZE[0], length, *SIZE[1:], generator=torch.Generator().manual_seed(0))
    expected = plain(sizes, noise, prefix, said["addnoise"], [window.rows for window in windows])

    drawn, film, made = 0, [], Made()
    for window in windows:
        made = Made(handover=made.handover)
        for turn in window.passes:
            start, drawn = starting(turn, noise, film + made.clean, made, drawn)
            states = made.handover.schedulers if made.handover and turn.carried else []
            sampler = WindowSampler(
                turn,
                start,
                lambda step, latents: velocity_of(latents, torch.tensor([step.timesteps])),
                lambda: make_scheduler("unipc", said["steps"], SHIFT, True),
                STREAM,
                said["addnoise"],
                states,
            )
            for _ in sampler.run():
                pass
            made.add(turn, sampler.latents, sampler.unfinished())
        film.append(torch.cat(made.clean, dim=1)[:, 0 if window.fresh else window.prefix_latents :])
    assert torch.allclose(torch.cat(film, dim=1), expected, atol=1e-5)


def starting(turn: Any, noise: Tensor, clean: list[Tensor], made: Made, drawn: int) -> tuple[Tensor, int]:
    """A turn's latents, and how many of the film's have been drawn: those of its end come from the film's noise."""
    if turn.carried:
        assert made.handover is not None
        known = made.handover.latents[:, -(turn.prefix_latents + turn.carried) :]
    elif turn.fresh:
        known = noise[:, :0]
    else:
        known = torch.cat(clean, dim=1)[:, -turn.prefix_latents :]
    entering = turn.latents - known.shape[1]
    return torch.cat([known, noise[:, drawn : drawn + entering]], dim=1), drawn + entering
