"""The sampler against a plain reading of the reference: one solver per latent frame, handed views of the latents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from skyreels_cli.film.windows.noise import InitialNoise, Stream, condition_noise
from skyreels_cli.film.windows.sampler import Step, WindowSampler
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.plan.plan import Block, Window
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import plan_windows
from skyreels_cli.recipe.condition_noise import ConditionNoise

SEED, SHIFT = 11, 8.0
STREAM = Stream(SEED)


@dataclass(frozen=True)
class Case:
    """One window: its latents, how many of them are ready, and how the rest is denoised."""

    latents: int = 6
    prefix: int = 0
    block: int = 1
    ar_step: int = 0
    steps: int = 5
    addnoise: ConditionNoise = 0
    end_frame: bool = False
    forcing: bool = True

    def window(self) -> Window:
        stride = 4
        sizes = WindowSizes(stride, None, self.prefix, self.block, self.steps, self.ar_step)
        if self.prefix > 1:
            new = ShotFrames(stride * (self.latents - self.prefix), "history", self.end_frame)
            return plan_windows(sizes, [new], given=stride * (self.prefix - 1) + 1)[0]
        start = "image" if self.prefix == 1 else "nothing"
        return plan_windows(sizes, [ShotFrames(stride * (self.latents - 1) + 1, start, self.end_frame)])[0]


CASES = {
    "sync": Case(),
    "one step": Case(steps=1),
    "text-to-video": Case(forcing=False),
    "async": Case(ar_step=2),
    "async, further apart than T": Case(ar_step=9),
    "blocks": Case(block=2, ar_step=3),
    "image": Case(prefix=1),
    "image before blocks": Case(prefix=1, block=5, ar_step=2),
    "unequal blocks": Case(latents=7, prefix=1, block=4, ar_step=2),
    "noise on the image": Case(prefix=1, addnoise=40, ar_step=1),
    "as much noise on the history as on what follows": Case(prefix=2, addnoise="auto"),
    "the same where blocks follow one another": Case(latents=8, prefix=3, block=2, ar_step=2, addnoise="auto"),
    "none on an image": Case(prefix=1, addnoise="auto", ar_step=1),
    "end frame": Case(prefix=1, end_frame=True, block=3, ar_step=2, addnoise=20),
}


def velocity_of(latents: Tensor, times: Tensor) -> Tensor:
    """A stand-in for the model: every frame depends on all frames and on its own timestep."""
    mixed = latents + 0.3 * latents.mean(dim=2, keepdim=True)
    return torch.sin(2 * mixed) + latents * (times[:, None, :, None, None] / 1000 - 0.5)


def schedule(steps: int) -> tuple[list[int], np.ndarray]:
    """Timesteps and unshifted sigmas, straight from tests/golden/REFERENCE.md §1."""
    even = np.linspace(float(np.float32(1) - np.float32(1 / 1000)), 0, steps + 1)[:-1]
    return [int(1000 * SHIFT * s / (1 + (SHIFT - 1) * s)) for s in even], even


def rows_by_recursion(blocks: tuple[Block, ...], steps: int, ar_step: int) -> Iterator[tuple[list[int], list[bool]]]:
    """Index of each block per row and whether it moves, as tests/golden/REFERENCE.md §2 puts it."""
    done = steps + 1
    before = [done if block.ready else 0 for block in blocks]
    while any(index < steps for index in before):
        row: list[int] = []
        for i, index in enumerate(before):
            released = i == 0 or before[i - 1] >= steps
            row.append(min(max(index + 1 if released else row[i - 1] - ar_step, 0), done))
        yield row, [new not in (old, done) for old, new in zip(before, row, strict=True)]
        before = row


def per_frame(case: Case, window: Window, start: Tensor) -> Tensor:
    """The reference's loop."""
    timesteps, even = schedule(case.steps)
    solvers = []
    for _ in range(window.latents):
        solver = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT)
        solver.set_timesteps(sigmas=even)
        solvers.append(solver)
    latents = start.clone()
    frame_block = [i for i, block in enumerate(window.blocks) for _ in range(block.size)]
    for number, (row, moves) in enumerate(rows_by_recursion(window.blocks, case.steps, case.ar_step)):
        times = [[999, *timesteps, 0][row[block]] for block in frame_block] + [0] * case.end_frame
        given = latents.clone()
        prefix = window.prefix_latents
        addnoise = case.addnoise if case.addnoise != "auto" else times[prefix] * (prefix > 1)
        if addnoise:
            share = addnoise / 1000
            noise = condition_noise(STREAM, window.index, number, (1, *latents[:, :prefix].shape))[0]
            given[:, :prefix] = given[:, :prefix] * (1 - share) + noise * share
            times[:prefix] = [addnoise] * prefix
        velocity = velocity_of(given[None], torch.tensor([times]))[0]
        for frame, block in enumerate(frame_block):
            if moves[block]:
                view = latents[:, frame] if case.forcing else latents[:, frame].clone()
                step = solvers[frame].step(velocity[:, frame], solvers[frame].timesteps[row[block] - 1], view)
                latents[:, frame] = step.prev_sample
    return latents


def sampler_of(case: Case, window: Window, start: Tensor, predict: Any = None) -> WindowSampler:
    return WindowSampler(
        window,
        start,
        predict or (lambda step, latents: velocity_of(latents, torch.tensor([step.timesteps]))),
        lambda: make_scheduler("unipc", case.steps, SHIFT, case.forcing),
        STREAM,
        case.addnoise,
    )


@pytest.mark.parametrize("name", CASES)
def test_equals_one_solver_per_frame(name: str) -> None:
    case = CASES[name]
    window = case.window()
    noise = torch.randn(4, window.forward_latents, 3, 5, generator=torch.Generator().manual_seed(0))
    expected = per_frame(case, window, noise)
    given = noise.clone()
    sampler = sampler_of(case, window, given)
    rows = [row for row, _ in sampler.run()]
    assert rows == list(range(window.rows))
    assert torch.equal(given, noise), "what a sampler is given stays as it is"
    assert torch.allclose(sampler.latents, expected, atol=1e-5)
    assert torch.equal(sampler.latents[:, : window.prefix_latents], noise[:, : window.prefix_latents])
    assert torch.equal(sampler.latents[:, window.latents :], noise[:, window.latents :])
    assert not torch.equal(sampler.latents[:, window.latents - 1], noise[:, window.latents - 1])


def test_one_solver_for_all_that_move_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def count() -> Any:
        made.append(1)
        return make_scheduler("unipc", 5, SHIFT, True)

    for case, groups in ((Case(latents=25), 1), (Case(latents=25, block=5, ar_step=5), 5)):
        made.clear()
        window = case.window()
        WindowSampler(window, torch.zeros(4, window.latents, 2, 2), velocity_of, count, STREAM, 0)  # type: ignore[arg-type]
        assert len(made) == groups + 1  # one more to read the schedule from


def test_noise_levels_fall_to_zero_in_order() -> None:
    case = Case(latents=5, prefix=1, block=2, ar_step=2, steps=4)
    window = case.window()
    levels = [noise for _, noise in sampler_of(case, window, torch.randn(4, 5, 2, 2)).run()]
    _, even = schedule(case.steps)
    sigmas = [*(SHIFT * even / (1 + (SHIFT - 1) * even)), 0.0]
    assert levels[0] == pytest.approx((0.0, sigmas[1], sigmas[1], 1.0, 1.0), abs=1e-6)
    assert levels[-1] == (0.0,) * 5
    for before, after in pairwise(levels):
        assert all(new <= old for old, new in zip(before, after, strict=True))


def test_the_model_is_asked_once_per_row_and_told_the_row() -> None:
    case = Case(ar_step=2)
    asked: list[int] = []

    def predict(step: Step, latents: Tensor) -> Tensor:
        asked.append(step.row)
        return velocity_of(latents, torch.tensor([step.timesteps]))

    window = case.window()
    running = sampler_of(case, window, torch.randn(4, 6, 2, 2), predict).run()
    next(running)
    next(running)
    assert asked == [0, 1]
    running.close()
    assert asked == [0, 1]


def test_what_the_model_is_told_of_a_step() -> None:
    case = Case(latents=5, prefix=1, block=2, ar_step=2, steps=4, addnoise=40, end_frame=True)
    window, steps = case.window(), []

    def predict(step: Step, latents: Tensor) -> Tensor:
        steps.append(step)
        return velocity_of(latents, torch.tensor([step.timesteps]))

    list(sampler_of(case, window, torch.randn(4, window.forward_latents, 2, 2), predict).run())
    first, second, third, fourth = schedule(case.steps)[0]
    assert [step.timesteps for step in steps] == [
        (40, first, first, 999, 999, 0),
        (40, second, second, 999, 999, 0),
        (40, third, third, first, first, 0),
        (40, fourth, fourth, second, second, 0),
        (40, 0, 0, third, third, 0),
        (40, 0, 0, fourth, fourth, 0),
    ]
    both, late = (False, True, True, True, True, False), (False, False, False, True, True, False)
    early = (False, True, True, False, False, False)
    assert [step.moving for step in steps] == [early, early, both, both, late, late]


def test_windows_draw_from_one_stream_in_order() -> None:
    noise, generator = InitialNoise(), torch.Generator().manual_seed(SEED)
    for shape in ((16, 5, 2, 3), (16, 3, 2, 3)):
        assert torch.equal(noise.draw(STREAM, shape), torch.randn(shape, generator=generator))


def test_condition_noise_is_its_own_for_every_seed_window_and_row() -> None:
    torch.manual_seed(0)
    keys = ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (1, 0, 0))
    drawn = [condition_noise(Stream(seed), window, row, (4, 100)) for seed, window, row in keys]
    assert torch.equal(drawn[0], drawn[4])
    assert len({tensor.sum().item() for tensor in drawn}) == 4
    assert abs(torch.cat(drawn[:4]).std().item() - 1) < 0.05
    assert torch.equal(torch.rand(1), torch.rand(1, generator=torch.Generator().manual_seed(0)))  # global: untouched
