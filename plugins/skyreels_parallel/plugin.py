"""Registers the parallel backends; imports no torch."""

from __future__ import annotations

from skyreels_cli.plugins.specs import ParallelSpec, hookimpl

SKYREELS_API = 1


@hookimpl
def skyreels_register_parallel() -> tuple[ParallelSpec, ...]:
    """Register `cfg-context`, `cfg` and `context`."""
    return (
        ParallelSpec(
            "cfg-context",
            "What --gpus picks: the guidance branches apart, and the tokens of each shared by as many ranks.",
            "skyreels_parallel.backend:BranchesAndTokens",
        ),
        ParallelSpec("cfg", "Each guidance branch on a rank of its own.", "skyreels_parallel.backend:Branches"),
        ParallelSpec("context", "The tokens shared by all ranks (Ulysses).", "skyreels_parallel.backend:SharedTokens"),
    )
