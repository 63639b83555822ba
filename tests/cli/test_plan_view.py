from __future__ import annotations

import pytest

from skyreels_cli.cli.plan_view import block_layout
from skyreels_cli.plan.plan import Block, Window


def window(*blocks: tuple[int, bool]) -> Window:
    placed, start = [], 0
    for size, ready in blocks:
        placed.append(Block(start, start + size, ready))
        start += size
    return Window(0, start, 0, False, tuple(placed), (), 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([(5, True), (5, False), (5, False), (5, False), (5, False)], "5r 5 5 5 5"),
        ([(1, True), (4, False), (4, False)], "1r 4 4"),
        ([(1, False)] * 25, "25×1"),
        ([(1, True)] * 5 + [(1, False)] * 20 + [(1, True)], "1r 1r 1r 1r 1r 20×1 1r"),
    ],
)
def test_block_layout(blocks: list[tuple[int, bool]], text: str) -> None:
    assert block_layout(window(*blocks)) == text
