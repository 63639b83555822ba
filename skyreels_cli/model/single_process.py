"""What a parallel backend is where one process does all the work."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from skyreels_cli.plugins.protocols import Kernel, Load


class SingleProcess:
    """See `protocols.Parallel`: every branch, every token, nobody to agree with."""

    def split(self, load: Load, ranks: int) -> str:
        """See `Parallel.split`."""
        return "one rank"

    def start(self, load: Load) -> None:
        """See `Parallel.start`."""

    def branches(self, count: int) -> tuple[int, ...]:
        """See `Parallel.branches`."""
        return tuple(range(count))

    def gather_branches(self, velocities: Sequence[Tensor], count: int) -> list[Tensor]:
        """See `Parallel.gather_branches`."""
        return list(velocities)

    def shard(self, x: Tensor, frames: int) -> Tensor:
        """See `Parallel.shard`."""
        return x

    def gather(self, x: Tensor, frames: int) -> Tensor:
        """See `Parallel.gather`."""
        return x

    def attend(self, query: Tensor, key: Tensor, value: Tensor, frames: int, kernel: Kernel, plain: bool) -> Tensor:
        """See `Parallel.attend`."""
        return kernel(query, key, value)

    def agree(self, number: float) -> float:
        """See `Parallel.agree`."""
        return number


SINGLE_PROCESS = SingleProcess()
