"""Tiny windows and a tiny random transformer, on which the rules of plugins are tried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.film.windows.denoising import Denoising, WindowTask
from skyreels_cli.film.windows.noise import Stream
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.matrix import StepMatrix
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.protocols import Parallel
from skyreels_cli.recipe.schema import Recipe

OptionValues = Mapping[str, Any]

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
            steps=StepMatrix(prefix, len(blocks) - prefix, self.steps, self.ar_step),
            first_frame=0,
            new_frames=4 * self.latents - 3,
            drop_frames=0,
            trim_frames=0,
        )

    def recipe(self, cache: str | None, options: OptionValues, scheduler: str) -> Recipe:
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
            dtype="float32",
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
        options: OptionValues | None = None,
        scheduler: str = "unipc",
        parallel: Parallel = SINGLE_PROCESS,
    ) -> None:
        random = torch.Generator().manual_seed(1)
        plan, recipe = window.plan, window.recipe(cache, options or {}, scheduler)
        latents = torch.randn(16, plan.forward_latents, SIDE, SIDE, generator=random)
        branches = 2 if window.guidance_scale > 1 else 1
        texts = tuple(torch.randn(1, 8, 32, generator=random) for _ in range(branches))
        task = WindowTask(plan, window.guidance_scale, Stream(recipe.seed), texts, latents, TOKENS_PER_FRAME)
        self.transformer = tiny_transformer()
        self.transformer.parallel = parallel
        self._denoising = Denoising(task, recipe, "df", self.transformer)
        self.sampler, self.cache = self._denoising.sampler, self._denoising.cache

    def go(self, rows: int | None = None) -> Tensor:
        """Denoise so many rows (None: to the end); the latents as they are then."""
        for done, _ in enumerate(self._denoising.run(), start=1):
            if done == rows:
                break
        return self._denoising.latents.clone()

    def state(self) -> dict[str, Any]:
        """What a checkpoint would hold."""
        return self._denoising.state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._denoising.load_state(state)
