"""cache-dit's DBCache, on the same thin stack of layers as diffusers' caches."""

from __future__ import annotations

import logging
import sys
from typing import Any

from torch import Tensor

from skyreels_cli.errors import PluginError
from skyreels_cli.plugins.protocols import CacheSetting, Pass
from skyreels_stepcache.plugin import DualBlockOptions
from skyreels_stepcache.stack import Stack


class DualBlock:
    """A `Cache` for one window: DBCache (Fn, Bn) of cache-dit.

    cache-dit tells branches apart by counting calls; a stack for each needs no counting.
    """

    def __init__(self, setting: CacheSetting, options: DualBlockOptions) -> None:
        self._stacks = {branch: _with_cache(Stack(setting.layers), options) for branch in setting.branches}

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """Run the branch's stack, whose layers cache-dit may skip."""
        after: Tensor = self._stacks[call.branch](x, call)
        return after

    def state_dict(self) -> dict[str, Any]:
        """Nothing: its state is out of reach, and an interrupted window begins again."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to take up."""

    def close(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


def _with_cache(stack: Stack, options: DualBlockOptions) -> Stack:
    if not options.threshold:
        return stack
    try:
        import cache_dit
    except ModuleNotFoundError as missing:
        message = f"dbcache needs the package cache-dit, which is not installed: {missing}"
        raise PluginError("extra-missing", message, "pip install 'skyreels-cli[cache-dit]'") from missing
    _quieten()
    adapter = cache_dit.BlockAdapter(
        transformer=stack, blocks=stack.blocks, forward_pattern=cache_dit.ForwardPattern.Pattern_3
    )
    config = cache_dit.DBCacheConfig(
        Fn_compute_blocks=options.first_layers,
        Bn_compute_blocks=options.last_layers,
        max_warmup_steps=options.warmup,
        residual_diff_threshold=options.threshold,
        enable_separate_cfg=False,
    )
    cache_dit.enable_cache(adapter, cache_config=config)
    return stack


def _quieten() -> None:
    """Keep cache-dit's reports of what it does off stdout, where results go; one handler serves all its loggers."""
    for handler in logging.getLogger("CACHE_DIT").handlers:
        handler.setLevel(logging.ERROR)
        if type(handler) is logging.StreamHandler:
            handler.setStream(sys.stderr)
