"""Lengths of time as people write them."""

from __future__ import annotations

from math import inf

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.duration import frames_in, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("10", 10),
        ("1.5", 1.5),
        ("0.5s", 0.5),
        ("2m", 120),
        ("1m30s", 90),
        ("1m30", 90),
        ("1.5m", 90),
        ("1h", 3600),
        ("1h 2m 3.5s", 3723.5),
        (" 10 S ", 10),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "s", "ten", "10x", "1:30", "30s1m", "1e3", "nan", "1,5s"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"10s, 2m, 1m30s or 1\.5") as error:
        parse_seconds(text)
    assert (error.value.code, error.value.exit_code, error.value.hint) == (
        "bad-duration",
        2,
        "--duration 10s",
    )


@pytest.mark.parametrize("text", ["inf", "INF", "endless"])
def test_endless(text: str) -> None:
    assert parse_seconds(text) == inf
    assert frames_in(text, 24) is None


@pytest.mark.parametrize(("text", "frames"), [("10s", 240), ("1.02", 24), ("0.01", 1)])
def test_frames_nearest_to_a_duration(text: str, frames: int) -> None:
    assert frames_in(text, 24) == frames


@pytest.mark.parametrize("text", ["9" * 400 + "h", "1000000000000h", "41666666667s"])
def test_what_no_film_can_be_is_refused_and_not_taken_for_endless(text: str) -> None:
    with pytest.raises(UsageError) as error:
        frames_in(text, 24)
    assert (error.value.code, error.value.exit_code) == ("bad-duration", 2)
    assert len(error.value.message) < 120
