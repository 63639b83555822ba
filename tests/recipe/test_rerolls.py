"""Re-rolls upon re-rolls: what still holds after a new one."""

from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli.recipe.rerolls import Reroll, add_reroll, shown


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


def test_people_are_told_windows_from_one() -> None:
    stored = [{"window": 0, "seed": 9, "prompt": None}, {"window": 2, "prompt": "snow"}]
    said = 'from window 1 on seed 9; from window 3 on "snow"'
    assert shown("recipe.rerolls", stored) == said
    assert shown("rerolls", [Reroll.model_validate(each) for each in stored]) == said
    assert shown("seed", 0) == 0
    assert shown("rerolls", None) is None
    for odd in ("x", [3], [{"window": -1}], 7):
        assert shown("rerolls", odd) == odd
