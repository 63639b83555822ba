"""The hooks of skyreels. A plugin implements any of them, marked with `specs.hookimpl`; none takes an argument."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from skyreels_cli.plugins.specs import (
    PROJECT,
    CacheSpec,
    CommandSpec,
    EnhancerSpec,
    ExecutorSpec,
    ModelSpec,
    ParallelSpec,
    SchedulerSpec,
    Spec,
)

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def skyreels_register_schedulers() -> Iterable[SchedulerSpec]:
    """Solvers that integrate latents from noise to a film: `--scheduler`."""
    return ()


@hookspec
def skyreels_register_caches() -> Iterable[CacheSpec]:
    """Ways to skip work in the transformer: `--cache`."""
    return ()


@hookspec
def skyreels_register_parallel() -> Iterable[ParallelSpec]:
    """Ways to render one window on several GPUs: `--parallel`."""
    return ()


@hookspec
def skyreels_register_models() -> Iterable[ModelSpec]:
    """Models that a package brings along: `--model`."""
    return ()


@hookspec
def skyreels_register_prompt_enhancers() -> Iterable[EnhancerSpec]:
    """Writers that turn a short prompt into the long one that the models were trained on: `--prompt-enhancer`."""
    return ()


@hookspec
def skyreels_register_executors() -> Iterable[ExecutorSpec]:
    """Places where the queue's jobs can run: `queue run --executor`."""
    return ()


@hookspec
def skyreels_register_commands() -> Iterable[CommandSpec]:
    """Commands of their own: `skyreels NAME`."""
    return ()


SPEC_OF_HOOK: dict[str, type[Spec]] = {
    "skyreels_register_schedulers": SchedulerSpec,
    "skyreels_register_caches": CacheSpec,
    "skyreels_register_parallel": ParallelSpec,
    "skyreels_register_models": ModelSpec,
    "skyreels_register_prompt_enhancers": EnhancerSpec,
    "skyreels_register_executors": ExecutorSpec,
    "skyreels_register_commands": CommandSpec,
}
