"""What the probe must read: every meaning has numbers of its own, and they say what the words say."""

from __future__ import annotations

import numpy as np
import pytest
from skyreels_tiny.meaning import Meaning, draw_meaning

torch = pytest.importorskip("torch")

from skyreels_tiny.train.hints import NUMBERS, hint_loss, hint_weight, in_numbers, new_probe  # noqa: E402


def test_different_meanings_have_different_numbers() -> None:
    rng = np.random.default_rng(0)
    meanings = {draw_meaning(rng) for _ in range(500)}
    # a camera that pans left and an object that moves right are one and the same film over a plain background
    films = {m for m in meanings if m.kind != "pan"}
    numbers = [tuple(in_numbers(meaning)) for meaning in films]
    assert {len(one) for one in numbers} == {NUMBERS}
    assert len(set(numbers)) == len(films)


def test_directions_are_opposite_and_a_pan_moves_things_the_other_way() -> None:
    def motion(meaning: Meaning) -> list[float]:
        return in_numbers(meaning)[20:26]

    thing = ((("circle", "red"),), ("white",))
    assert motion(Meaning("single", *thing, "left")) == [-1, 0, 0, 0, 0, 0]
    assert motion(Meaning("single", *thing, "down")) == [0, 1, 0, 0, 0, 0]
    assert motion(Meaning("pan", *thing, camera="left")) == motion(Meaning("single", *thing, "right"))
    assert motion(Meaning("resize", *thing, "shrink")) == [0, 0, -1, 0, 0, 0]


def test_a_probe_that_knows_nothing_pays_the_square_of_what_it_was_told() -> None:
    meanings = [draw_meaning(np.random.default_rng(seed), "single") for seed in range(2)]
    probe, states = new_probe(12), torch.randn(2, 3, 4, 12)
    squares = [float(np.mean(np.square(in_numbers(meaning)))) for meaning in meanings]
    with torch.no_grad():
        both = hint_loss(probe, states, meanings, torch.ones(2))
        first = hint_loss(probe, states, meanings, torch.tensor([1.0, 0.0]))
        none = hint_loss(probe, states, meanings, torch.zeros(2))
    assert float(both) == pytest.approx(np.mean(squares), rel=1e-5)
    assert float(first) == pytest.approx(squares[0], rel=1e-5)
    assert float(none) == 0.0


def test_hints_end_before_the_phase_does() -> None:
    assert hint_weight(0.0) == 1.0
    assert hint_weight(0.425) == pytest.approx(0.5)
    assert hint_weight(0.85) == hint_weight(1.0) == 0.0
