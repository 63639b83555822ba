"""The model as the sampler sees it: latents and timesteps in, one guided velocity out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from skyreels_cli.film.windows.caching import WindowCache
from skyreels_cli.film.windows.noise import PrefixNoise, Stream
from skyreels_cli.film.windows.sampler import NOT_BEGUN, Step
from skyreels_cli.model.family import FamilyModel
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.branches import guidance_branches
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.protocols import Branch
from skyreels_cli.recipe.schema import Recipe


class Denoiser:
    """Guidance around the transformer: v = v⁺ + (g − 1)·(v⁺ − v⁻) + (w − 1)·(v⁺ − v°), a forward for each branch.

    v⁻ is asked with the negative prompt (classifier-free guidance), v° without what came before: there the prefix is
    noise (history guidance, arXiv 2502.06764). `texts` `(1, 512, text_dim)` are the prompt's and, under guidance, the
    negative prompt's. The model's family says how the transformer is told the time and what else it is given
    (`inputs`).
    """

    def __init__(
        self,
        transformer: Transformer,
        recipe: Recipe,
        window: Window,
        texts: Sequence[Tensor],
        guidance: float,
        stream: Stream,
        dtype: torch.dtype,
        family: FamilyModel,
        inputs: Mapping[str, Tensor],
        cache: WindowCache | None = None,
    ) -> None:
        self._transformer = transformer
        self._family = family
        self._inputs = inputs
        self._contexts = [family.context(text.to(dtype), inputs) for text in texts]
        self._branches = guidance_branches(recipe, window)
        self._guidance = guidance
        self._history_guidance = recipe.history_guidance
        self._prefix_noise = PrefixNoise(stream, window)
        self._fps = round(recipe.fps)  # it tells 16 from all others
        self._dtype = dtype
        self._causal = [(b.start, b.stop) for b in window.blocks] if recipe.causal_attention else None
        self._cache = cache

    def __call__(self, step: Step, latents: Tensor) -> Tensor:
        """Velocity `(1, c, f, h, w)` in float32 of `latents` (1, c, f, h, w) in a step of the window."""
        parallel, count = self._transformer.parallel, len(self._branches)
        computed = [self._forward(self._branches[number], step, latents) for number in parallel.branches(count)]
        return self._guided(dict(zip(self._branches, parallel.gather_branches(computed, count), strict=True)))

    def _forward(self, branch: Branch, step: Step, latents: Tensor) -> Tensor:
        """The velocity of one branch."""
        if branch == "no_history":
            step, latents = self._without_history(step, latents)
        velocity: Tensor = self._transformer(
            self._family.hidden_states(latents, self._inputs).to(self._dtype),
            self._family.timestep(torch.tensor([step.timesteps], device=latents.device)),
            self._contexts[1 if branch == "uncond" else 0],
            fps=self._fps,
            causal_blocks=self._causal,
            shortcut=self._cache.shortcut(step, branch) if self._cache else None,
        )
        return velocity.float()

    def _without_history(self, step: Step, latents: Tensor) -> tuple[Step, Tensor]:
        """The same step with nothing but noise in the prefix, as in blocks that have not begun."""
        prefix = self._prefix_noise.window.prefix_latents
        times = (NOT_BEGUN,) * prefix + step.timesteps[prefix:]
        return replace(step, timesteps=times), self._prefix_noise.mixed(latents, step.row, 1.0)

    def _guided(self, velocity: Mapping[Branch, Tensor]) -> Tensor:
        wanted = guided = velocity["cond"]
        if "uncond" in velocity:
            guided = velocity["uncond"] + self._guidance * (wanted - velocity["uncond"])
        if "no_history" in velocity:
            guided = guided + (self._history_guidance - 1) * (wanted - velocity["no_history"])
        return guided
