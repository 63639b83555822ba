"""The timestep matrix of diffusion forcing (SkyReels-V2, arXiv 2504.13074): every block's index in every row."""

from __future__ import annotations

from functools import lru_cache

from skyreels_cli.plan.plan import Window

Matrix = tuple[tuple[int, ...], ...]


def rows_of(new_blocks: int, inference_steps: int, ar_step: int) -> int:
    """Rows of a window: T + (new blocks - 1) · min(ar_step, T)."""
    return inference_steps + (new_blocks - 1) * min(ar_step, inference_steps)


@lru_cache(maxsize=16)  # all windows of a film but the first and the last share one matrix
def step_matrix(ready: int, new_blocks: int, inference_steps: int, ar_step: int) -> Matrix:
    """Index of each block in each row: 0 is pure noise, t in 1…T the t-th timestep, T+1 finished.

    Closed form of the recursion in tests/golden/REFERENCE.md §2: every new block follows the one before it at a
    distance of `ar_step` rows, or of T rows where `ar_step` is larger, because a block starts at the latest when the
    one before it is finished.
    """
    finished, lag = inference_steps + 1, min(ar_step, inference_steps)
    return tuple(
        (finished,) * ready + tuple(min(max(row - block * lag, 0), finished) for block in range(new_blocks))
        for row in range(1, rows_of(new_blocks, inference_steps, ar_step) + 1)
    )


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
