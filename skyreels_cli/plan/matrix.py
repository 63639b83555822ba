"""The timestep matrix of diffusion forcing (SkyReels-V2, arXiv 2504.13074): every block's index in every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from skyreels_cli.plan.plan import Window


@dataclass(frozen=True)
class StepMatrix(Sequence[tuple[int, ...]]):
    """Index of each block in each row: 0 is pure noise, t in 1…T the t-th timestep, T+1 finished.

    Closed form of the recursion in tests/golden/REFERENCE.md §2: every new block follows the one before it at a
    distance of `ar_step` rows, or of T rows where `ar_step` is larger, because a block starts at the latest when the
    one before it is finished. A row is computed when it is asked for: 1000 steps of 1000 blocks have a million rows.
    """

    ready_blocks: int
    new_blocks: int
    inference_steps: int
    ar_step: int

    def __len__(self) -> int:
        """T + (new blocks - 1) · min(ar_step, T)."""
        return self.inference_steps + (self.new_blocks - 1) * self._lag

    @overload
    def __getitem__(self, place: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[int, ...], ...]: ...
    def __getitem__(self, place: int | slice) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
        if isinstance(place, slice):
            return tuple(self[row] for row in range(*place.indices(len(self))))
        row, finished = range(1, len(self) + 1)[place], self.inference_steps + 1
        new = (min(max(row - block * self._lag, 0), finished) for block in range(self.new_blocks))
        return (finished,) * self.ready_blocks + tuple(new)

    @property
    def _lag(self) -> int:
        return min(self.ar_step, self.inference_steps)


def updated_blocks(window: Window, row: int, inference_steps: int) -> tuple[int, ...]:
    """Blocks that the solver moves in a row: their index changed and they were not finished before."""
    finished = inference_steps + 1
    start = tuple(finished if block.ready else 0 for block in window.blocks)
    changes = zip(window.steps[row - 1] if row else start, window.steps[row], strict=True)
    return tuple(block for block, (old, new) in enumerate(changes) if old != new != finished)


def progress_groups(window: Window) -> tuple[tuple[int, ...], ...]:
    """Groups of new blocks that have the same index in every row; each group needs one scheduler."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for block, column in enumerate(zip(*window.steps, strict=True)):
        if not window.blocks[block].ready:
            groups.setdefault(column, []).append(block)
    return tuple(tuple(group) for group in groups.values())
