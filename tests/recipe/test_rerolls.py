"""Re-rolls upon re-rolls: what still holds after a new one."""

from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli.recipe.rerolls import Reroll, add_reroll


def of(*said: tuple[int, int | None, str | None]) -> list[Reroll]:
    return [Reroll(window=window, seed=seed, prompt=prompt) for window, seed, prompt in said]


@pytest.mark.parametrize(
    ("earlier", "new", "after"),
    [
        ([], (2, 5, None), [(2, 5, None)]),
        ([(1, 4, None)], (2, 5, None), [(1, 4, None), (2, 5, None)]),
        ([(1, 4, None), (3, 6, "x")], (2, 5, None), [(1, 4, None), (2, 5, None)]),
        ([(2, 4, "x")], (2, 5, None), [(2, 5, "x")]),
        ([(2, 4, "x")], (2, None, "y"), [(2, 4, "y")]),
        ([(2, 4, "x")], (0, None, "y"), [(0, None, "y")]),
        ([(2, 4, None)], (2, 0, None), [(2, 0, None)]),
    ],
)
def test_a_new_one(earlier: list[Any], new: Any, after: list[Any]) -> None:
    assert add_reroll(of(*earlier), of(new)[0]) == of(*after)
