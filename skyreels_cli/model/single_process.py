"""The parallel backend where one process does all the work."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from skyreels_cli.plugins.protocols import Kernel, Load


class SingleProcess:
    """A `Parallel` of one rank: it has every branch and every token."""

    def split(self, load: Load, ranks: int) -> str:
        """`one rank`, whatever the load."""
        return "one rank"

    def start(self, load: Load) -> None:
        """Nothing: there is nobody to meet."""

    def branches(self, count: int) -> tuple[int, ...]:
        """All of them."""
        return tuple(range(count))

    def gather_branches(self, velocities: Sequence[Tensor], count: int) -> list[Tensor]:
        """The velocities as they are."""
        return list(velocities)

    def shard(self, x: Tensor, frames: int) -> Tensor:
        """All tokens `(b, n, d)`."""
        return x

    def gather(self, x: Tensor, frames: int) -> Tensor:
        """The tokens as they are."""
        return x

    def attend(self, query: Tensor, key: Tensor, value: Tensor, frames: int, kernel: Kernel, plain: bool) -> Tensor:
        """Attention by the kernel itself."""
        return kernel(query, key, value)

    def agree(self, number: float) -> float:
        """The number itself."""
        return number


SINGLE_PROCESS = SingleProcess()
