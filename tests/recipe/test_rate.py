"""Frame rates as people write them."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.rate import parse_rate, rate_data, rate_number
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.validate import make_draft


@pytest.mark.parametrize(
    ("said", "rate", "kept"),
    [
        (24, Fraction(24), 24),
        ("24", Fraction(24), 24),
        (24.0, Fraction(24), 24),
        ("23.976", Fraction(24000, 1001), "24000/1001"),
        (23.976, Fraction(24000, 1001), "24000/1001"),
        ("23.98", Fraction(24000, 1001), "24000/1001"),
        ("23.976024", Fraction(24000, 1001), "24000/1001"),
        ("29.97", Fraction(30000, 1001), "30000/1001"),
        ("59.94", Fraction(60000, 1001), "60000/1001"),
        ("119.88", Fraction(120000, 1001), "120000/1001"),
        ("24000/1001", Fraction(24000, 1001), "24000/1001"),
        ("48/2", Fraction(24), 24),
        ("12.5", Fraction(25, 2), "25/2"),
        ("23.9", Fraction(239, 10), "239/10"),
        (Fraction(30000, 1001), Fraction(30000, 1001), "30000/1001"),
    ],
)
def test_rates(said: Any, rate: Fraction, kept: int | str) -> None:
    draft = make_draft({"fps": said})
    assert draft.fps == parse_rate(said) == rate
    assert rate_data(rate) == kept
    assert json.loads(draft.model_dump_json())["fps"] == kept
    assert Draft.model_validate_json(draft.model_dump_json()).fps == rate


@pytest.mark.parametrize(
    "said", ["0", "-24", "241", "24/0", "fast", "", "1e3", "nan", "inf", "24/1001", True, [24], "२४"]
)
def test_no_rates(said: Any) -> None:
    with pytest.raises(UsageError) as error:
        make_draft({"fps": said})
    assert error.value.code == "bad-value"
    assert "frames per second" in error.value.message


def test_for_reading() -> None:
    assert [rate_number(Fraction(*rate)) for rate in ((24, 1), (24000, 1001), (25, 2))] == [24, 23.976, 12.5]
