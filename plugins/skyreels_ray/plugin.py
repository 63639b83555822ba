"""Registers the executor `ray`; imports neither ray nor torch."""

from __future__ import annotations

from pydantic import Field

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.specs import ExecutorSpec, hookimpl

SKYREELS_API = 1


class RayOptions(Options):
    """Where the cluster is, and what a renderer takes of it beside its GPUs."""

    address: str = Field("auto", description="The cluster: auto, HOST:PORT, or local for one on this machine alone.")
    cpus: float = Field(1.0, ge=0, description="CPU cores of a renderer.")
    resources: dict[str, float] = Field({}, description='Other resources of a renderer, such as {"h100": 1}.')


@hookimpl
def skyreels_register_executors() -> tuple[ExecutorSpec, ...]:
    """Register `ray`."""
    summary = "A Ray cluster: renderers are actors, which keep their model loaded (pip install skyreels-cli[ray])."
    return (ExecutorSpec("ray", summary, "skyreels_ray.executor:executor", RayOptions),)
