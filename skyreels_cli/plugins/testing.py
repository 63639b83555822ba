"""What authors run against their own plugins: the rules of `protocols.py` as checks, on a tiny random model.

    from skyreels_cli.plugins import testing

    def test_conformance() -> None:
        testing.check_plugin("skyreels_mine.plugin")
        testing.check_cache("mine", off={"threshold": 0})

Each check raises AssertionError saying which rule is broken. Nothing else in the program imports this module.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.caching import WindowCache
from skyreels_cli.film.denoiser import Denoiser
from skyreels_cli.film.noise import Stream
from skyreels_cli.film.sampler import WindowSampler
from skyreels_cli.film.scheduler import make_scheduler
from skyreels_cli.film.tensor_tree import load_tree, save_tree
from skyreels_cli.model.alone import ALONE
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.matrix import step_matrix
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.entries import Entry
from skyreels_cli.plugins.loading import load_specs
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.protocols import Parallel, Scheduler
from skyreels_cli.plugins.specs import CacheSpec, Spec
from skyreels_cli.recipe.schema import Recipe

Options = Mapping[str, Any]

SIDE = 4  # latent rows and columns
TOKENS_PER_FRAME = (SIDE // 2) ** 2


@dataclass(frozen=True)
class TinyWindow:
    """A window to denoise: its length in latent frames, how it is denoised, and what it is given."""

    latents: int = 7
    steps: int = 5
    ar_step: int = 0
    block_size: int = 1
    guidance_scale: float = 3.0
    image: bool = False
    end_frame: bool = False
    causal_attention: bool = False

    @property
    def plan(self) -> Window:
        """Its blocks and timestep matrix."""
        prefix = int(self.image)
        blocks = cut_blocks(self.latents, prefix, self.block_size)
        return Window(
            index=0,
            latents=self.latents,
            prefix_latents=prefix,
            end_frame=self.end_frame,
            blocks=blocks,
            steps=step_matrix(prefix, len(blocks) - prefix, self.steps, self.ar_step),
            first_frame=0,
            new_frames=4 * self.latents - 3,
            drop_frames=0,
            trim_frames=0,
        )

    def recipe(self, cache: str | None, options: Options, scheduler: str) -> Recipe:
        """The recipe of such a film."""
        return Recipe(
            prompt="",
            negative_prompt="",
            model="tiny",
            resolution=f"{8 * SIDE}x{8 * SIDE}",
            num_frames=4 * self.latents - 3,
            fps=24,
            seed=0,
            inference_steps=self.steps,
            guidance_scale=self.guidance_scale,
            shift=3.0,
            ar_step=self.ar_step,
            causal_block_size=self.block_size,
            causal_attention=self.causal_attention,
            base_num_frames=97,
            overlap_history=17,
            scheduler=scheduler,
            cache=cache,
            options={cache or scheduler: dict(options)},
        )


WINDOWS = (
    TinyWindow(),
    TinyWindow(latents=4, guidance_scale=1.0, steps=4),
    TinyWindow(ar_step=2, block_size=2),
    TinyWindow(latents=6, ar_step=1, block_size=2, image=True, end_frame=True),
    TinyWindow(latents=6, ar_step=2, block_size=3, causal_attention=True),
)


def tiny_transformer(layers: int = 3) -> Transformer:
    """A random DF transformer, the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformer: Transformer = Transformer(
            num_attention_heads=2,
            attention_head_dim=24,
            text_dim=32,
            freq_dim=64,
            ffn_dim=96,
            num_layers=layers,
            rope_max_seq_len=64,
        )
    transformer.requires_grad_(False).eval()
    return transformer


class Run:
    """One window being denoised, with or without a cache."""

    def __init__(
        self,
        window: TinyWindow,
        cache: str | None = None,
        options: Options | None = None,
        scheduler: str = "unipc",
        parallel: Parallel = ALONE,
    ) -> None:
        random = torch.Generator().manual_seed(1)
        plan, recipe = window.plan, window.recipe(cache, options or {}, scheduler)
        self.latents = torch.randn(16, plan.forward_latents, SIDE, SIDE, generator=random)
        branches = 2 if window.guidance_scale > 1 else 1
        texts = [torch.randn(1, 8, 32, generator=random) for _ in range(branches)]
        transformer = tiny_transformer()
        transformer.parallel = parallel
        self.cache = WindowCache(recipe, plan, branches, "df", transformer, TOKENS_PER_FRAME) if cache else None
        self.sampler = WindowSampler(
            plan,
            self.latents,
            Denoiser(transformer, recipe, plan, texts, window.guidance_scale, torch.float32, True, self.cache),
            lambda: make_scheduler(scheduler, window.steps, recipe.shift, True, recipe.options),
            Stream(recipe.seed),
            recipe.addnoise_condition,
        )

    def go(self, rows: int | None = None) -> Tensor:
        """Denoise so many rows (None: to the end); the latents as they are then."""
        for done, _ in enumerate(self.sampler.run(), start=1):
            if done == rows:
                break
        return self.latents.clone()

    def state(self) -> dict[str, Any]:
        """What a checkpoint would hold."""
        return {"sampler": self.sampler.state(), "cache": self.cache.state_dict() if self.cache else {}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.sampler.load_state(state["sampler"])
        if self.cache:
            self.cache.load_state_dict(state["cache"])


def check_plugin(module: str) -> tuple[Spec, ...]:
    """Take a plugin's module in as the program does, and load every target; what it registers."""
    specs = [spec for specs in load_specs(Entry(module, module, module, "0")).values() for spec in specs]
    for spec in specs:
        assert spec.summary, f"{spec.kind} {spec.name} has no summary"
        assert callable(plugins().load(spec)), f"{spec.target} cannot be called"
    return tuple(specs)


def check_scheduler(name: str, options: Options | None = None) -> None:
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


def check_cache(name: str, on: Options | None = None, off: Options | None = None) -> None:
    """Denoise tiny windows of all kinds with options `on`; with `off` the result must be that of no cache, bit for bit.

    A cache that says it is checkpointable is saved and restored after every row, through a file.
    """
    for window in WINDOWS:
        latents = Run(window, name, on).go()
        assert torch.isfinite(latents).all(), f"{window}: the latents are no numbers"
        if off is not None:
            assert torch.equal(Run(window).go(), Run(window, name, off).go()), f"{window}: {off} changes the result"
        if plugins().find(CacheSpec, name).checkpointable:
            for row in range(1, window.plan.rows):
                assert torch.equal(_interrupted(window, name, on, row), latents), f"{window}: not restored in row {row}"


def check_parallel(name: str, options: Options | None = None, ranks: int = 2) -> None:
    """Start so many ranks on the CPU and try every rule on them; tiny windows must become what one rank makes of them.

    A load of 2 heads and 4 tokens per frame must be divisible. Takes as long as it takes to import torch once for each.
    """
    from skyreels_cli.plugins.testing_on_ranks import run_checks

    run_checks(name, options or {}, ranks)


def _scheduler(name: str, steps: int, options: Options | None) -> Scheduler:
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


def _check_restored_scheduler(name: str, steps: int, row: int, options: Options | None) -> None:
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


def _interrupted(window: TinyWindow, name: str, options: Options | None, row: int) -> Tensor:
    """The result of a run that another one took over after some rows."""
    before, after = Run(window, name, options), Run(window, name, options)
    before.go(row)
    after.load_state(_through_a_file(before.state()))
    return after.go()


def _through_a_file(state: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        save_tree(Path(folder) / "state.safetensors", state)
        return load_tree(Path(folder) / "state.safetensors")
