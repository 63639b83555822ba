"""xfuser.config."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class xFuserArgs:  # noqa: N801 - its name
    """Degrees of parallelism; a config is the arguments, here."""

    ulysses_degree: int
    ring_degree: int
    use_cfg_parallel: bool

    def create_config(self) -> tuple[xFuserArgs, None]:
        return self, None
