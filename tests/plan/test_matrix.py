"""The timestep matrix against rows counted with, and indices computed by, diffusers' own pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.matrix import StepMatrix, progress_groups, updated_blocks
from skyreels_cli.plan.plan import Window

# latents, block size, steps, ar_step, prefix latents → rows; counted with diffusers 0.42.1.
COUNTED = [
    (25, 1, 30, 0, 0, 30),
    (25, 5, 30, 5, 0, 50),
    (25, 1, 30, 5, 0, 150),
    (25, 5, 50, 5, 0, 70),
    (25, 5, 50, 5, 5, 65),
    (25, 1, 50, 5, 0, 170),
    (25, 1, 30, 0, 5, 30),
    (25, 1, 30, 1, 5, 49),
    (25, 5, 30, 40, 0, 150),
    (30, 5, 50, 5, 5, 70),
    (31, 1, 30, 5, 0, 180),
    (30, 6, 30, 10, 6, 60),
    (5, 1, 6, 2, 0, 14),
    (5, 1, 6, 2, 2, 10),
]


def window_of(latents: int, size: int, steps: int, ar_step: int, prefix: int) -> Window:
    blocks = cut_blocks(latents, prefix, size)
    ready = sum(block.ready for block in blocks)
    matrix = StepMatrix(ready, len(blocks) - ready, steps, ar_step)
    return Window(0, latents, prefix, False, blocks, matrix, 0, 0, 0, 0)


@pytest.mark.parametrize(("latents", "size", "steps", "ar_step", "prefix", "rows"), COUNTED)
def test_rows_that_diffusers_counts(
    *, latents: int, size: int, steps: int, ar_step: int, prefix: int, rows: int
) -> None:
    assert len(StepMatrix(0, (latents - prefix) // size, steps, ar_step)) == rows
    assert window_of(latents, size, steps, ar_step, prefix).rows == rows


def test_every_index_and_update_is_diffusers() -> None:
    torch = pytest.importorskip("torch")
    pipeline: Any = pytest.importorskip("diffusers").SkyReelsV2DiffusionForcingPipeline
    for latents, size, steps, ar_step, prefix, _ in COUNTED:
        timesteps = torch.arange(steps, 0, -1)
        _, index, mask, _ = pipeline.generate_timestep_matrix(None, latents, timesteps, latents, ar_step, prefix, size)
        window = window_of(latents, size, steps, ar_step, prefix)
        assert [per_latent(row, window) for row in window.steps] == index.tolist()
        for row, updated in enumerate(mask.tolist()):
            moved = updated_blocks(window, row, steps)
            assert per_latent([block in moved for block in range(len(window.blocks))], window) == updated


def per_latent(values: Any, window: Window) -> list[Any]:
    return [value for value, block in zip(values, window.blocks, strict=True) for _ in range(block.size)]


def test_a_staggered_window_row_by_row() -> None:
    window = window_of(5, 2, 3, 1, 1)
    assert [block.size for block in window.blocks] == [1, 2, 2]
    assert tuple(window.steps) == ((4, 1, 0), (4, 2, 1), (4, 3, 2), (4, 4, 3))
    assert [updated_blocks(window, row, 3) for row in range(4)] == [(1,), (1, 2), (1, 2), (2,)]


def test_blocks_share_a_scheduler_only_where_they_move_together() -> None:
    assert progress_groups(window_of(9, 2, 4, 0, 1)) == ((1, 2, 3, 4),)
    assert progress_groups(window_of(9, 2, 4, 1, 1)) == ((1,), (2,), (3,), (4,))


def test_a_row_is_computed_where_it_is_asked_for() -> None:
    """A window of 1,000 blocks in 1,000 steps has a million rows of a thousand indices."""
    matrix = StepMatrix(1, 1000, 1000, 1000)
    assert len(matrix) == 1_000_000
    assert matrix[0] == (1001, 1) + (0,) * 999
    assert matrix[-1] == (1001,) * 1000 + (1000,)
    assert matrix[999_998:] == (matrix[999_998], matrix[999_999])
    with pytest.raises(IndexError):
        matrix[1_000_000]
