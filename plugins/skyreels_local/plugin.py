"""Registers the executor `local`; imports no torch."""

from __future__ import annotations

from skyreels_cli.plugins.specs import ExecutorSpec, hookimpl

SKYREELS_API = 1


@hookimpl
def skyreels_register_executors() -> tuple[ExecutorSpec, ...]:
    """Register `local`."""
    return (ExecutorSpec("local", "This machine, one renderer per worker.", "skyreels_local.executor:executor"),)
