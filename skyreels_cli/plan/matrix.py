"""The timestep matrix of diffusion forcing (SkyReels-V2, arXiv 2504.13074): every block's index in every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import overload

from skyreels_cli.plan.plan import Window


@dataclass(frozen=True)
class StepMatrix(Sequence[tuple[int, ...]]):
    """Index of each block in each row: 0 is pure noise, t in 1…T the t-th timestep, T+1 finished.

    Closed form of the recursion in tests/golden/REFERENCE.md §2: every new block follows the one before it at a
    distance of `ar_step` rows, or of T rows where `ar_step` is larger, because a block starts at the latest when the
    one before it is finished. A row is computed when it is asked for: 1000 steps of 1000 blocks have a million rows.

    A rolling film has one such matrix for all its blocks, in which the distance may be a fraction: block b begins
    ⌊b · distance⌋ rows behind block 0. Each turn sees some columns and `length` rows: those of blocks from `first` on
    (of a period of the fraction), which has `begun` rows behind it. Otherwise the matrix is one window's, to its end.
    """

    ready_blocks: int
    new_blocks: int
    inference_steps: int
    ar_step: int | Fraction
    begun: int = 0
    length: int | None = None
    first: int = 0

    def __len__(self) -> int:
        """Unless it is cut short, T + (new blocks - 1) · min(ar_step, T), less the rows that are done."""
        if self.length is not None:
            return self.length
        return self.inference_steps + self._behind(self.new_blocks - 1) - self.begun

    @overload
    def __getitem__(self, place: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[int, ...], ...]: ...
    def __getitem__(self, place: int | slice) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
        if isinstance(place, slice):
            return tuple(self[row] for row in range(*place.indices(len(self))))
        row, finished = range(1, len(self) + 1)[place], self.inference_steps + 1
        ahead = row + self.begun
        new = (min(max(ahead - self._behind(block), 0), finished) for block in range(self.new_blocks))
        return (finished,) * self.ready_blocks + tuple(new)

    def _behind(self, block: int) -> int:
        """Rows by which a block is behind the first."""
        first, lag = self.first, min(self.ar_step, self.inference_steps)
        return floor((first + block) * lag) - floor(first * lag)


def updated_blocks(window: Window, row: int, inference_steps: int) -> tuple[int, ...]:
    """Blocks that the solver moves in a row: those that have begun and were not finished before."""
    return tuple(block for block, index in enumerate(window.steps[row]) if 0 < index <= inference_steps)


def progress_groups(window: Window) -> tuple[tuple[int, ...], ...]:
    """Groups of new blocks that have the same index in every row; each group needs one scheduler."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for block, column in enumerate(zip(*window.steps, strict=True)):
        if not window.blocks[block].ready:
            groups.setdefault(column, []).append(block)
    return tuple(tuple(group) for group in groups.values())
