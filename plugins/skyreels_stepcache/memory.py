"""What each of the caches keeps of a window, in tensors of hidden states `(b, n, d)`; imports no torch.

They run on a stack of stand-ins for the layers (`stack.py`), each of which works on a copy of its input: while a layer
runs, that copy and the input of the pass are there besides what the cache keeps.
"""

from __future__ import annotations

from skyreels_cli.plugins.protocols import CacheMemory, CacheSetting
from skyreels_stepcache.plugin import DualBlockOptions, FirstBlockOptions, MagCacheOptions, TaylorSeerOptions

STACK = 2
FACTOR_BYTES = 4  # Taylor factors are float32


def first_block_memory(setting: CacheSetting, options: FirstBlockOptions) -> CacheMemory:
    """A branch keeps what leaves the first layer, what that layer added, and what the others added."""
    tensors = 3 * len(setting.branches) if options.threshold else 0
    return _hidden_states(setting, tensors, "the first layer's output and residual and the others' residual")


def mag_cache_memory(setting: CacheSetting, options: MagCacheOptions) -> CacheMemory:
    """A branch keeps its last input and what the layers added to it; the input at hand is there anyway."""
    used = bool(options.threshold) or options.calibrate
    return _hidden_states(setting, 2 * len(setting.branches) - 1 if used else 0, "input and residual")


def taylor_seer_memory(setting: CacheSetting, options: TaylorSeerOptions) -> CacheMemory:
    """A branch keeps as many Taylor factors of the last layer's output as the order says, and one more."""
    factors = len(setting.branches) * (options.order + 1) if options.interval > 1 else 0
    elements = setting.hidden_bytes // setting.element_bytes
    size = factors * elements * FACTOR_BYTES + STACK * setting.hidden_bytes
    return CacheMemory(size, f"{options.order + 1} Taylor factors in float32, {_branches(setting)}")


def dual_block_memory(setting: CacheSetting, options: DualBlockOptions) -> CacheMemory:
    """A branch keeps what the first layers added and what those between added, and meanwhile what left the first."""
    tensors = 2 * len(setting.branches) + 1 if options.threshold else 0
    return _hidden_states(setting, tensors, "residuals of the first layers and of those between")


def _hidden_states(setting: CacheSetting, tensors: int, what: str) -> CacheMemory:
    return CacheMemory((tensors + STACK) * setting.hidden_bytes, f"{what}, {_branches(setting)}")


def _branches(setting: CacheSetting) -> str:
    count = len(setting.branches)
    return f"{count} branch" if count == 1 else f"{count} branches"
