"""The rules of `protocols.py` as checks that authors run against their own plugins, on a tiny random model.

Each check raises AssertionError saying which rule is broken.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.folder.tensor_tree import load_tree, save_tree
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.plugins.entries import Entry
from skyreels_cli.plugins.loading import load_specs
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.protocols import Scheduler
from skyreels_cli.plugins.specs import CacheSpec, Spec
from skyreels_cli.testing.memory import held_by_cache, stated_by_cache
from skyreels_cli.testing.on_ranks import run_checks
from skyreels_cli.testing.windows import WINDOWS, OptionValues, Run, TinyWindow


def check_plugin(module: str) -> tuple[Spec, ...]:
    """Take a plugin's module in as the program does, and load every target; what it registers."""
    specs = [spec for specs in load_specs(Entry(module, module, module, "0")).values() for spec in specs]
    for spec in specs:
        assert spec.summary, f"{spec.kind} {spec.name} has no summary"
        assert callable(plugins().load(spec)), f"{spec.target} cannot be called"
    return tuple(specs)


def check_scheduler(name: str, options: OptionValues | None = None) -> None:
    """Levels as the protocol has them, a straight path integrated exactly, and a state that can be saved anywhere."""
    for steps in (1, 2, 5, 8):
        scheduler = _scheduler(name, steps, options)
        times, sigmas = scheduler.timesteps, scheduler.sigmas
        assert len(times) == steps, f"{steps} steps have {len(times)} timesteps"
        assert len(sigmas) == steps + 1, f"{steps} steps have {len(sigmas)} sigmas instead of {steps + 1}"
        assert list(times) == sorted(times, reverse=True), f"timesteps rise: {times}"
        assert times[-1] >= 0, "timesteps lie in 0 … 999"
        assert times[0] <= 999, "timesteps lie in 0 … 999"
        assert list(sigmas) == sorted(sigmas, reverse=True), f"sigmas rise: {sigmas}"
        assert sigmas[-1] == 0, f"the last sigma is {sigmas[-1]}, not 0"
        _check_straight_path(scheduler)
        for row in range(steps):
            _check_restored_scheduler(name, steps, row, options)


def check_cache(name: str, on: OptionValues | None = None, off: OptionValues | None = None) -> None:
    """Denoise tiny windows of all kinds with options `on`; with `off` the result must be that of no cache, bit for bit.

    A cache that says it is checkpointable is saved and restored after every row, through a file. One that says how much
    memory it keeps must not hold more than a fifth more, counted in tensors (a tiny window's frames have few tokens, so
    that what goes by frames weighs more than it does in a film).
    """
    for window in WINDOWS:
        latents = Run(window, name, on).go()
        assert torch.isfinite(latents).all(), f"{window}: the latents are no numbers"
        if off is not None:
            assert torch.equal(Run(window).go(), Run(window, name, off).go()), f"{window}: {off} changes the result"
        if plugins().find(CacheSpec, name).checkpointable:
            for row in range(1, window.plan.rows):
                assert torch.equal(_interrupted(window, name, on, row), latents), f"{window}: not restored in row {row}"
    _check_memory(name, on)


def check_parallel(name: str, options: OptionValues | None = None, ranks: int = 2) -> None:
    """Start so many ranks on the CPU and try every rule on them; tiny windows must become what one rank makes of them.

    A load of 2 heads and 4 tokens per frame must be divisible. Takes as long as it takes to import torch once for each.
    """
    run_checks(name, options or {}, ranks)


def _check_memory(name: str, options: OptionValues | None) -> None:
    window = TinyWindow(latents=8, ar_step=2, block_size=2)
    stated = stated_by_cache(window, name, options)
    if stated is not None:
        held = held_by_cache(window, name, options)
        assert held <= 1.2 * stated, f"{name} holds {held:,} bytes in a tiny window and says that it is {stated:,}"


def _scheduler(name: str, steps: int, options: OptionValues | None) -> Scheduler:
    return make_scheduler(name, steps, 3.0, False, {name: options or {}})


def _check_straight_path(scheduler: Scheduler) -> None:
    """A constant velocity leads from any noise level straight to the clean sample, whatever the solver."""
    random = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 4, 3, 2, 2, generator=random)
    first = scheduler.sigmas[0]
    sample = (1 - first) * clean + first * noise
    for _ in scheduler.timesteps:
        sample = scheduler.step(noise - clean, sample)
    error = float((sample - clean).abs().max())
    assert error < 1e-3, f"a straight path ends {error:.3g} beside its end"


def _check_restored_scheduler(name: str, steps: int, row: int, options: OptionValues | None) -> None:
    random = torch.Generator().manual_seed(0)
    sample, *velocities = torch.randn(steps + 1, 1, 4, 3, 2, 2, generator=random)
    whole, restored = _scheduler(name, steps, options), _scheduler(name, steps, options)
    for velocity in velocities[:row]:
        sample = whole.step(velocity, sample)
    restored.load_state_dict(_through_a_file(whole.state_dict()))
    other = sample.clone()
    for velocity in velocities[row:]:
        sample, other = whole.step(velocity, sample), restored.step(velocity, other)
    assert torch.equal(sample, other), f"{name}: not restored after {row} of {steps} steps"


def _interrupted(window: TinyWindow, name: str, options: OptionValues | None, row: int) -> Tensor:
    """The result of a run that another one took over after some rows."""
    before, after = Run(window, name, options), Run(window, name, options)
    before.go(row)
    after.load_state(_through_a_file(before.state()))
    return after.go()


def _through_a_file(state: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        save_tree(Path(folder) / "state.safetensors", state)
        return load_tree(Path(folder) / "state.safetensors")
