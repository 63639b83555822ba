"""The model as the sampler sees it: latents and timesteps in, one guided velocity out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.model.layer_pass import Shortcut
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
        model: LoadedModel,
        inputs: Mapping[str, Tensor],
        cache: WindowCache | None = None,
    ) -> None:
        self._transformer = transformer
        self._family = model.family
        self._inputs = inputs
        self._branches = [self._family.context(text.to(model.dtype), inputs) for text in texts]
        self._guidance = guidance
        self._fps = recipe.fps
        self._dtype = model.dtype
        self._causal = [(b.start, b.stop) for b in window.blocks] if recipe.causal_attention else None
        self._cache = cache

    def __call__(self, row: int, latents: Tensor, timesteps: Tensor) -> Tensor:
        """Velocity (1, c, f, h, w) in float32 of `latents` at per-frame `timesteps` (1, f), in a row of the window."""
        times = self._family.timestep(timesteps)
        model_input = self._family.hidden_states(latents, self._inputs).to(self._dtype)
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
