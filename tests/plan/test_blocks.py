"""Block layouts: the reference's where it divides, unequal blocks where it does not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from skyreels_cli.plan.blocks import cut_blocks


@pytest.mark.parametrize(
    ("latents", "prefix", "size", "ready", "new"),
    [
        (25, 0, 5, [], [5, 5, 5, 5, 5]),
        (25, 5, 5, [5], [5, 5, 5, 5]),
        (25, 10, 5, [5, 5], [5, 5, 5]),
        (25, 1, 5, [1], [5, 5, 5, 5, 4]),
        (31, 0, 5, [], [5, 5, 5, 4, 4, 4, 4]),
        (25, 7, 3, [1, 3, 3], [3, 3, 3, 3, 3, 3]),
        (21, 5, 4, [1, 4], [4, 4, 4, 4]),
        (6, 5, 5, [5], [1]),
        (4, 1, 99, [1], [3]),
        (1, 0, 1, [], [1]),
    ],
)
def test_layout(latents: int, prefix: int, size: int, ready: list[int], new: list[int]) -> None:
    blocks = cut_blocks(latents, prefix, size)
    assert [block.size for block in blocks if block.ready] == ready
    assert [block.size for block in blocks if not block.ready] == new
    assert blocks[0].start == 0
    assert all(block.stop == after.start for block, after in pairwise(blocks))
