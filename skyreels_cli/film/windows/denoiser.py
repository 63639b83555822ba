"""The model as the sampler sees it: latents and timesteps in, one guided velocity out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.model.layer_pass import Shortcut
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.schema import Recipe


class Denoiser:
    """Classifier-free guidance around the transformer: v = v⁻ + g·(v⁺ − v⁻), one forward alone if g ≤ 1."""

    def __init__(
        self,
        transformer: Transformer,
        recipe: Recipe,
        window: Window,
        texts: Sequence[Tensor],
        guidance: float,
        dtype: torch.dtype,
        per_frame_time: bool,
        cache: WindowCache | None = None,
    ) -> None:
        self._transformer = transformer
        self._branches = [TextContext(text.to(dtype)) for text in texts]
        self._guidance = guidance
        self._fps = round(recipe.fps)  # it tells 16 from all others
        self._dtype = dtype
        self._per_frame_time = per_frame_time
        self._causal = [(b.start, b.stop) for b in window.blocks] if recipe.causal_attention else None
        self._cache = cache

    def __call__(self, row: int, latents: Tensor, timesteps: Tensor) -> Tensor:
        """Velocity (1, c, f, h, w) in float32 of `latents` at per-frame `timesteps` (1, f), in a row of the window."""
        times = timesteps if self._per_frame_time else timesteps[:, 0]
        model_input = latents.to(self._dtype)
        parallel, count = self._transformer.parallel, len(self._branches)
        mine = parallel.branches(count)
        computed = [
            self._transformer(
                model_input, times, self._branches[branch], fps=self._fps, causal_blocks=self._causal, shortcut=shortcut
            ).float()
            for branch, shortcut in zip(mine, self._shortcuts(row, timesteps, mine), strict=True)
        ]
        wanted, *unwanted = parallel.gather_branches(computed, count)
        if not unwanted:
            return wanted
        return unwanted[0] + self._guidance * (wanted - unwanted[0])

    def _shortcuts(self, row: int, timesteps: Tensor, branches: Sequence[int]) -> list[Shortcut | None]:
        """What each of these branches is told about its cache; without one the layers simply run."""
        if self._cache is None:
            return [None] * len(branches)
        told = tuple(int(t) for t in timesteps[0].tolist())
        return [self._cache.shortcut(row, branch, told) for branch in branches]
