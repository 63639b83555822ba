"""Registers the solvers; imports no torch."""

from __future__ import annotations

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import SchedulerSpec, hookimpl

SKYREELS_API = 1


class MultistepOptions(Options):
    """How a multistep solver goes."""

    order: int = Field(2, ge=1, le=3, description="Steps that one step looks back on; 1 needs more of them.")


@hookimpl
def skyreels_register_schedulers() -> tuple[SchedulerSpec, ...]:
    """Register `unipc`, `dpmpp` and `euler`."""
    return (
        SchedulerSpec(
            "unipc", "UniPC with bh2, the reference's solver.", "skyreels_schedulers.solvers:UniPC", MultistepOptions
        ),
        SchedulerSpec("dpmpp", "DPM-Solver++, multistep.", "skyreels_schedulers.solvers:DPMSolverPP", MultistepOptions),
        SchedulerSpec("euler", "Euler's method, one step at a time.", "skyreels_schedulers.solvers:Euler"),
    )
