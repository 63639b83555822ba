"""Registers the caches; imports no torch."""

from __future__ import annotations

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import CacheSpec, hookimpl

SKYREELS_API = 1

# All of them decide for the whole window, by its average.
ONE_DECISION = "it decides for a whole window, while the blocks of a DF window change at different times"


class FirstBlockOptions(Options):
    """diffusers' FirstBlockCacheConfig."""

    threshold: float = Field(
        0.05, ge=0, description="Change of what the first layer adds up to which the rest is skipped; 0: never."
    )


class MagCacheOptions(Options):
    """diffusers' MagCacheConfig; `ratios` belong to a model and its schedule and must be measured once."""

    threshold: float = Field(0.06, ge=0, description="Accumulated error up to which a row is skipped; 0: never.")
    max_skips: int = Field(3, ge=1, description="Most rows in succession that are skipped.")
    retention: float = Field(0.2, ge=0, le=1, description="Share of the rows at the start that are all computed.")
    ratios: tuple[float, ...] = Field((), description="Measured ratios of successive rows; without them: calibrate.")
    calibrate: bool = Field(False, description="Skip nothing, measure the ratios and tell them at the end.")


class TaylorSeerOptions(Options):
    """diffusers' TaylorSeerCacheConfig."""

    interval: int = Field(3, ge=1, description="One row in so many is computed; 1: all.")
    warmup: int = Field(3, ge=1, description="Rows at the start that are all computed.")
    order: int = Field(1, ge=0, le=4, description="Order of the Taylor expansion that stands in for the others.")


class DualBlockOptions(Options):
    """cache-dit's DBCacheConfig."""

    threshold: float = Field(0.08, ge=0, description="Change of what the first layers add; 0: nothing is skipped.")
    first_layers: int = Field(1, ge=1, description="Layers at the start that always run (F in DBCache).")
    last_layers: int = Field(0, ge=0, description="Layers at the end that always run (B in DBCache).")
    warmup: int = Field(3, ge=0, description="Rows at the start that are all computed.")


@hookimpl
def skyreels_register_caches() -> tuple[CacheSpec, ...]:
    """Register `firstblock`, `magcache`, `taylorseer` and `dbcache`."""
    hooked, memory = "skyreels_stepcache.hooked", "skyreels_stepcache.memory"
    return (
        CacheSpec(
            "firstblock",
            "Skips the other layers while what the first one adds changes little (diffusers).",
            f"{hooked}:FirstBlock",
            FirstBlockOptions,
            df_warning=ONE_DECISION,
            agrees=True,
            memory=f"{memory}:first_block_memory",
        ),
        CacheSpec(
            "magcache",
            "Skips rows by ratios that were measured for a model (diffusers).",
            f"{hooked}:MagCache",
            MagCacheOptions,
            df_warning=ONE_DECISION,
            agrees=True,
            memory=f"{memory}:mag_cache_memory",
        ),
        CacheSpec(
            "taylorseer",
            "Computes one row in a few and extrapolates the others (diffusers).",
            f"{hooked}:TaylorSeer",
            TaylorSeerOptions,
            df_warning=ONE_DECISION,
            agrees=True,
            memory=f"{memory}:taylor_seer_memory",
        ),
        CacheSpec(
            "dbcache",
            "DBCache of cache-dit: the first and last layers always run, those between when they must.",
            "skyreels_stepcache.dual_block:DualBlock",
            DualBlockOptions,
            df_warning=ONE_DECISION,
            memory=f"{memory}:dual_block_memory",
        ),
    )
