"""Which rank does what: a grid of guidance branches × shares of the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skyreels_cli.errors import UsageError
from skyreels_cli.plugins.protocols import Load


@dataclass(frozen=True)
class Grid:
    """`branches` (1: every rank computes them all) times `shares` of the tokens; neighbours share tokens.

    Sharing tokens moves 4 · n · d numbers per layer between the ranks, sharing branches 16 latent channels per row.
    """

    branches: int
    shares: int

    @property
    def ranks(self) -> int:
        """How many ranks it takes."""
        return self.branches * self.shares

    def place(self, rank: int) -> tuple[int, int]:
        """The branch and the share of a rank."""
        return divmod(rank, self.shares)

    @property
    def token_groups(self) -> list[list[int]]:
        """Ranks that share the tokens of a branch."""
        return [[branch * self.shares + share for share in range(self.shares)] for branch in range(self.branches)]

    @property
    def branch_groups(self) -> list[list[int]]:
        """Ranks that have the same share of different branches."""
        return [list(group) for group in zip(*self.token_groups, strict=True)]

    def suits(self, load: Load) -> bool:
        """Whether it divides a load: a rank for each branch or all branches on each, heads evenly, tokens somehow."""
        return (
            self.branches in (1, load.branches)
            and load.heads % self.shares == 0
            and self.shares <= load.tokens_per_frame
        )

    def __str__(self) -> str:
        parts = [f"{self.branches} branches"] * (self.branches > 1) + [f"{self.shares} shares"] * (self.shares > 1)
        return " × ".join(parts) or "one rank"


def indivisible(name: str, load: Load, ranks: int, others: Sequence[int]) -> UsageError:
    """The error for a number of ranks that does not divide a load, where `others` (ascending) do."""
    work = [f"{load.heads} attention heads", f"{load.tokens_per_frame} tokens per latent frame"]
    work.append(f"{load.branches} guidance branches" if load.branches > 1 else "1 guidance branch (guidance is off)")
    can = f"it can among {' or '.join(map(str, others))}" if others else "nor can it among any other number of them"
    nearest = max((number for number in others if number < ranks), default=1)
    message = f"{name} cannot share {', '.join(work)} among {ranks} GPUs; {can}"
    return UsageError("gpus-indivisible", message, f"--gpus {nearest}")
