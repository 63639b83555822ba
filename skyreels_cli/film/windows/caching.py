"""A cache at work in one window: made by its plugin, told about every step, counted, and closed at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skyreels_cli.film.windows.sampler import Step
from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.model.layer_pass import Shortcut, Work
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.caching import cache_setting
from skyreels_cli.plan.plan import Window
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.protocols import Branch, Cache
from skyreels_cli.plugins.specs import CacheSpec
from skyreels_cli.recipe.schema import Recipe


class WindowCache:
    """The recipe's cache for one window, of which it is told the `setting`; PluginError if it is missing or broken."""

    def __init__(
        self,
        recipe: Recipe,
        window: Window,
        branches: Sequence[Branch],
        family: str,
        transformer: Transformer,
        tokens_per_frame: int,
        element_bytes: int,
    ) -> None:
        assert recipe.cache is not None
        known = plugins()
        self._spec = known.find(CacheSpec, recipe.cache)
        self._parallel = transformer.parallel
        mine = [branches[number] for number in self._parallel.branches(len(branches))]
        self.setting = cache_setting(
            recipe,
            window,
            family=family,
            branches=mine,
            tokens_per_frame=tokens_per_frame,
            layers=len(transformer.blocks),
            width=transformer.config.num_attention_heads * transformer.config.attention_head_dim,
            element_bytes=element_bytes,
        )
        options = make_options(self._spec, recipe.options.get(recipe.cache, {}))
        self._cache: Cache = known.make(self._spec, self.setting, options)
        self._kv_caches = {branch: KVCache() for branch in mine}
        self._work = Work()
        self.name = recipe.cache

    def shortcut(self, step: Step, branch: Branch) -> Shortcut:
        """What the transformer needs in order to leave its layers to the cache, in a step of one branch."""
        return Shortcut(
            cache=self._cache,
            row=step.row,
            branch=branch,
            timesteps=step.timesteps,
            moving=step.moving,
            work=self._work,
            kv_cache=self._kv_caches[branch],
            agree=self._parallel.agree,
        )

    @property
    def resumable(self) -> bool:
        """Whether a window can be saved between two steps and go on from there.

        Keys and values that are kept are gigabytes and not saved, and of several ranks each knows a part.
        """
        keeps_keys = any(not kv_cache.is_empty for kv_cache in self._kv_caches.values())
        return self._spec.checkpointable and not keeps_keys and self._parallel is SINGLE_PROCESS

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
