"""Registers TeaCache; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import CacheSpec, hookimpl

SKYREELS_API = 1

Fit = Literal["auto", "1.3b", "14b", "i2v-540p", "i2v-720p", "none"]


class TeaCacheOptions(Options):
    """The reference's `--teacache_thresh` and `--use_ret_steps`."""

    threshold: float = Field(
        0.2, ge=0, le=10, description="Estimated change up to which a step is skipped; 0 computes everything."
    )
    ret_steps: bool = Field(
        False, description="The reference's other mode: the first five steps are computed, not the last."
    )
    fit: Fit = Field("auto", description="Model whose fitted estimate is used; none: the change of the time embedding.")


@hookimpl
def skyreels_register_caches() -> tuple[CacheSpec, ...]:
    """Register `teacache`."""
    return (
        CacheSpec(
            "teacache",
            "Skips steps between which the time embedding changes little.",
            "skyreels_teacache.cache:TeaCache",
            TeaCacheOptions,
            checkpointable=True,
            df_warning="its authors advise against it on diffusion-forcing models (SkyReels-V2 issue 123)",
        ),
    )
