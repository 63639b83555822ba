"""The card's figures are the benchmark's, and what is short of its bar says so."""

from __future__ import annotations

from types import ModuleType


def test_only_the_section_between_the_marks_is_replaced(card_tiny: ModuleType) -> None:
    first, last = card_tiny.MARKS
    card = f"above\n{first}\nold\n{last}\nbelow\n"
    assert card_tiny.rewritten(card, "new") == f"above\n{first}\nnew\n{last}\nbelow\n"


def test_a_figure_short_of_its_bar_is_marked_as_missed(card_tiny: ModuleType) -> None:
    scores = {
        "wide": {"n": 60, "all": 0.79},
        "end": {"n": 30, "over 25 dB": 0.8},
        "long": {"pixels": {"n": 20, "object, colour and background in the last window": 0.8}},
    }
    table = card_tiny.bars_table(scores)
    assert "| two objects, grow, shrink, gradient, pan, zoom | all | 60 | 0.79 | 0.80 — missed |" in table
    assert "| a given last frame | over 25 dB | 30 | 0.80 | 0.80 |" in table
    assert next(line for line in table if "ten windows joined by pixels" in line).endswith(
        "| 20 | 0.80 | 0.85 — missed |"
    )
    assert len(table) == 5


def test_films_of_one_object_are_compared_whatever_made_them(card_tiny: ModuleType) -> None:
    film = {"n": 100, "background": 1.0, "colour": 0.99, "shape": 0.98, "direction": 0.97, "count": 0.99, "all": 0.96}
    film |= {"misfit of the shape": 0.0321, "wobble px": 0.1, "CPU seconds per film": 2.34}
    table = card_tiny.compare_table({"single": film, "10 steps": film, "wide": {"n": 60, "all": 0.9}})
    figures = "| 100 | 1.00 | 0.99 | 0.98 | 0.97 | 0.99 | 0.96 | 0.032 | 0.10 | 2.3 |"
    assert table[2:] == [f"| defaults {figures}", f"| 10 steps {figures}"]


def test_both_joins_are_told_side_by_side(card_tiny: ModuleType) -> None:
    film = {"shape in the last window": 0.7, "one object and no more in the last window": 0.95}
    film |= {
        "jump at joins (1 is none)": 1.75,
        "object's leap at joins px": 0.4,
        "background shift by window": [0, 0.01, 0.02],
    }
    table = card_tiny.long_table({"long": {"pixels": film, "latents": film}})
    assert table[2] == "| pixels | 0.70 | 0.95 | 1.75 | 0.40 | 0.010 → 0.020 |"
    assert [line.count("|") for line in table] == [7, 7, 7, 7, 0]
    assert card_tiny.long_table({}) == []
