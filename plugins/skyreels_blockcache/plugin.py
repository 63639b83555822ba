"""Registers the cache; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import CacheMemory, CacheSetting
from skyreels_cli.plugins.specs import CacheSpec, hookimpl

SKYREELS_API = 1


class BlockCacheOptions(Options):
    """How much error is worth the time."""

    threshold: float = Field(
        0.05, ge=0, le=10, description="Relative error of a prediction that is accepted; 0 computes everything."
    )
    order: Literal[0, 1] = Field(1, description="0 repeats what a block's layers added last, 1 follows its trend.")
    refresh: int = Field(
        0, ge=0, description="Compute frames that only stand by again after so many rows; 0: when they change."
    )


@hookimpl
def skyreels_register_caches() -> tuple[CacheSpec, ...]:
    """Register `blockcache`."""
    summary = "Made for diffusion forcing: each block skips the rows in which its own prediction is good enough."
    return (
        CacheSpec(
            "blockcache",
            summary,
            "skyreels_blockcache.cache:BlockCache",
            BlockCacheOptions,
            agrees=True,
            memory="skyreels_blockcache.plugin:kept_memory",
        ),
    )


def kept_memory(setting: CacheSetting, options: BlockCacheOptions) -> CacheMemory:
    """Keys and values of all layers, and per branch what the layers added last and its slope.

    While layers run there are two more tensors of hidden states: the prediction and the tokens that run.
    """
    branches = len(setting.branches)
    tensors = branches * (2 * setting.layers + 1 + options.order) + 2
    of = f"{branches} branches" if branches > 1 else "1 branch"
    basis = f"keys and values of {setting.layers} layers and the trend of each block, {of}"
    return CacheMemory(tensors * setting.hidden_bytes, basis)
