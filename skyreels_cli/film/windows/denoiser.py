"""The model as the sampler sees it: latents and timesteps in, one guided velocity out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.film.windows.sampler import Step
from skyreels_cli.model.family import FamilyModel
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.plan import Window
from skyreels_cli.recipe.schema import Recipe


class Denoiser:
    """Classifier-free guidance around the transformer: v = v⁻ + g·(v⁺ − v⁻), one forward alone if g ≤ 1.

    `texts` `(1, 512, text_dim)` are the prompt's and, under guidance, the negative prompt's. The model's family says
    how the transformer is told the time and what else it is given (`inputs`).
    """

    def __init__(
        self,
        transformer: Transformer,
        recipe: Recipe,
        window: Window,
        texts: Sequence[Tensor],
        guidance: float,
        dtype: torch.dtype,
        family: FamilyModel,
        inputs: Mapping[str, Tensor],
        cache: WindowCache | None = None,
    ) -> None:
        self._transformer = transformer
        self._family = family
        self._inputs = inputs
        self._branches = [family.context(text.to(dtype), inputs) for text in texts]
        self._guidance = guidance
        self._fps = round(recipe.fps)  # it tells 16 from all others
        self._dtype = dtype
        self._causal = [(b.start, b.stop) for b in window.blocks] if recipe.causal_attention else None
        self._cache = cache

    def __call__(self, step: Step, latents: Tensor) -> Tensor:
        """Velocity `(1, c, f, h, w)` in float32 of `latents` (1, c, f, h, w) in a step of the window."""
        times = self._family.timestep(torch.tensor([step.timesteps], device=latents.device))
        model_input = self._family.hidden_states(latents, self._inputs).to(self._dtype)
        parallel, count = self._transformer.parallel, len(self._branches)
        computed = [
            self._transformer(
                model_input,
                times,
                self._branches[branch],
                fps=self._fps,
                causal_blocks=self._causal,
                shortcut=self._cache.shortcut(step, branch) if self._cache else None,
            ).float()
            for branch in parallel.branches(count)
        ]
        wanted, *unwanted = parallel.gather_branches(computed, count)
        if not unwanted:
            return wanted
        return unwanted[0] + self._guidance * (wanted - unwanted[0])
