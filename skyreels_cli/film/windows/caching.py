"""A cache at work in one window: made by its plugin, told about every row, counted, and closed at the end."""

from __future__ import annotations

from typing import Any

from skyreels_cli.model.layer_pass import Shortcut, Work
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.matrix import updated_blocks
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.protocols import Branch, Cache, CacheSetting
from skyreels_cli.plugins.specs import CacheSpec
from skyreels_cli.recipe.schema import Recipe

BRANCHES: tuple[Branch, ...] = ("cond", "uncond")


class WindowCache:
    """The recipe's cache for one window; PluginError if it is missing or broken."""

    def __init__(
        self,
        recipe: Recipe,
        window: Window,
        branches: int,
        family: str,
        transformer: Transformer,
        tokens_per_frame: int,
    ) -> None:
        assert recipe.cache is not None
        known = plugins()
        self._spec = known.find(CacheSpec, recipe.cache)
        setting = CacheSetting(
            family=family,
            window=window.index,
            rows=window.rows,
            steps=recipe.inference_steps,
            branches=tuple(BRANCHES[branch] for branch in transformer.parallel.branches(branches)),
            blocks=tuple(block_spans(window)),
            tokens_per_frame=tokens_per_frame,
            layers=len(transformer.blocks),
            width=transformer.config.num_attention_heads * transformer.config.attention_head_dim,
        )
        options = make_options(self._spec, recipe.options.get(recipe.cache, {}))
        self._cache: Cache = known.make(self._spec, setting, options)
        self.name = recipe.cache
        self._window = window
        self._steps = recipe.inference_steps
        self._work = Work()
        self._parallel = transformer.parallel

    def shortcut(self, row: int, branch: int, timesteps: tuple[int, ...]) -> Shortcut:
        """What the transformer needs in order to leave its layers to the cache."""
        updated = updated_blocks(self._window, row, self._steps)
        moving = [index in updated for index, block in enumerate(self._window.blocks) for _ in range(block.size)]
        moving += [False] * self._window.end_frame
        agree = self._parallel.agree
        return Shortcut(self._cache, row, BRANCHES[branch], timesteps, tuple(moving), self._work, agree)

    @property
    def resumable(self) -> bool:
        """Whether a window can be saved between two rows and go on from there; of several ranks each knows a part."""
        return self._spec.checkpointable and self._parallel is SINGLE_PROCESS

    def state_dict(self) -> dict[str, Any]:
        """The cache's state, and the count so far."""
        return {"cache": self._cache.state_dict(), "full": self._work.full, "done": self._work.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same window."""
        self._cache.load_state_dict(state["cache"])
        self._work.full, self._work.done = state["full"], state["done"]

    @property
    def skipped(self) -> float:
        """Share of the layers' work that was not done so far, in [0, 1]."""
        return round(self._work.skipped, 4)

    def close(self) -> dict[str, Any]:
        """End the window; what the cache has to tell about it."""
        return self._cache.close()


def block_spans(window: Window) -> list[tuple[int, int]]:
    """The ranges of latent frames that share a noise level, the end frame's latent as one of its own."""
    spans = [(block.start, block.stop) for block in window.blocks]
    return spans + [(window.latents, window.forward_latents)] * window.end_frame
