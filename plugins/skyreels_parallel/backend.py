"""Guidance branches and tokens divided among ranks; three backends that differ in which of the two they divide."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import TYPE_CHECKING, ClassVar

from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import Kernel, Load
from skyreels_parallel.grid import Grid, indivisible

if TYPE_CHECKING:
    from torch import Tensor

    from skyreels_parallel.shares import Shares


# Errors name no larger numbers of GPUs.
GPUS_OF_A_MACHINE = 16


class BranchesAndTokens:
    """A `Parallel` that divides branches and tokens. It imports torch only in ranks: `split` is asked before that."""

    name: ClassVar[str] = "cfg-context"

    def __init__(self, options: Options) -> None:
        self._shares: Shares | None = None

    def grid(self, load: Load, ranks: int) -> Grid:
        """Branches first, as they cost no traffic: 4 ranks are 2 × 2, 8 are 2 × 4, and without guidance 1 × 8."""
        branches = load.branches if ranks % load.branches == 0 else 1
        return Grid(branches, ranks // branches)

    def divides(self, grid: Grid, load: Load) -> bool:
        """Whether a grid can share a load."""
        return grid.suits(load)

    def split(self, load: Load, ranks: int) -> str:
        """The grid in words; UsageError `gpus-indivisible` with the numbers of GPUs that would do."""
        grid = self.grid(load, ranks)
        if not self.divides(grid, load):
            others = [n for n in range(2, GPUS_OF_A_MACHINE + 1) if self.divides(self.grid(load, n), load)]
            raise indivisible(self.name, load, ranks, others)
        return str(grid)

    def start(self, load: Load) -> None:
        """Make a group for each branch's tokens and for each share's branches."""
        import torch.distributed as dist

        from skyreels_parallel.shares import Shares

        self._grid = self.grid(load, dist.get_world_size())
        self._branch, share = self._grid.place(dist.get_rank())
        # Every rank takes part in making every group.
        groups = [dist.new_group(ranks) for ranks in self._grid.token_groups]
        self._branch_group = [dist.new_group(ranks) for ranks in self._grid.branch_groups][share]
        if self._grid.shares > 1:
            self._shares = Shares(groups[self._branch], load.tokens_per_frame)

    def branches(self, count: int) -> tuple[int, ...]:
        """The branch of this rank, or all, also where a window has fewer than the film."""
        return (self._branch,) if count == self._grid.branches else tuple(range(count))

    def gather_branches(self, velocities: Sequence[Tensor], count: int) -> list[Tensor]:
        """The velocities of all branches in their order, each from a rank that computed it."""
        if len(velocities) == count:
            return list(velocities)
        import torch
        import torch.distributed as dist

        gathered = [torch.empty_like(velocities[0]) for _ in range(count)]
        dist.all_gather(gathered, velocities[0].contiguous(), self._branch_group)
        return gathered

    def shard(self, x: Tensor, frames: int) -> Tensor:
        """Tokens of this rank, as many of each frame."""
        return self._shares.shard(x, frames) if self._shares else x

    def gather(self, x: Tensor, frames: int) -> Tensor:
        """All tokens, from the ranks that share the branch."""
        return self._shares.gather(x, frames) if self._shares else x

    def attend(self, query: Tensor, key: Tensor, value: Tensor, frames: int, kernel: Kernel, plain: bool) -> Tensor:
        """Attention with all tokens of some heads; cross-attention needs no exchange, the prompt is on every rank."""
        if not self._shares:
            return kernel(query, key, value)
        some_heads = (self._shares.to_heads(x, frames) for x in (query, key, value))
        return self._shares.to_tokens(kernel(*some_heads), frames)

    def agree(self, number: float) -> float:
        """The mean over all ranks; gathered and not reduced, so that all ranks add in the same order."""
        import torch
        import torch.distributed as dist

        numbers = [torch.empty((), dtype=torch.float64) for _ in range(self._grid.ranks)]
        dist.all_gather(numbers, torch.tensor(number, dtype=torch.float64))
        return fsum(each.item() for each in numbers) / self._grid.ranks


class Branches(BranchesAndTokens):
    """The guidance branches only."""

    name = "cfg"

    def grid(self, load: Load, ranks: int) -> Grid:
        """A rank for each."""
        return Grid(ranks, 1)


class SharedTokens(BranchesAndTokens):
    """The tokens only."""

    name = "context"

    def grid(self, load: Load, ranks: int) -> Grid:
        """Every rank has its tokens of all branches."""
        return Grid(1, ranks)
