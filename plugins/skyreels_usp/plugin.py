"""Registers `usp`; imports neither torch nor xfuser."""

from __future__ import annotations

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import ParallelSpec, hookimpl

SKYREELS_API = 1


class UspOptions(Options):
    """How USP shares the tokens of a branch."""

    ring: int = Field(1, ge=1, description="Ranks in each ring; the other factor, Ulysses', must divide the heads.")


@hookimpl
def skyreels_register_parallel() -> tuple[ParallelSpec, ...]:
    """Register `usp`."""
    summary = "xfuser's USP (Ulysses × ring), guidance branches apart as in cfg-context; needs the extra usp."
    return (ParallelSpec("usp", summary, "skyreels_usp.backend:Usp", UspOptions),)
