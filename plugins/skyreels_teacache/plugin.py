"""Registers TeaCache; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import CacheMemory, CacheSetting
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
            agrees=True,
            memory="skyreels_teacache.plugin:kept_memory",
            df_warning="its authors advise against it on diffusion-forcing models (SkyReels-V2 issue 123)",
        ),
    )


def kept_memory(setting: CacheSetting, options: TeaCacheOptions) -> CacheMemory:
    """What the layers added last to the hidden states, for each branch, and the input of the pass at hand.

    Of the other branch the time embedding of its last row is kept as well: a vector for each latent frame, or six.
    """
    branches, frames = len(setting.branches), setting.blocks[-1][1]
    embedding = (6 if options.ret_steps else 1) * frames * setting.width * setting.element_bytes
    size = (branches + 1) * setting.hidden_bytes + (branches - 1) * embedding
    return CacheMemory(size, f"the last residual of {'each branch' if branches > 1 else 'the branch'} and the input")
