from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from skyreels_cli.cli.moment import coming_moment
from skyreels_cli.errors import UsageError

NOW = datetime(2026, 11, 28, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("22:30", datetime(2026, 11, 28, 22, 30, tzinfo=UTC)),
        ("8:05", datetime(2026, 11, 29, 8, 5, tzinfo=UTC)),
        ("21:00", datetime(2026, 11, 29, 21, 0, tzinfo=UTC)),
        ("+90m", NOW + timedelta(minutes=90)),
        ("2h", NOW + timedelta(hours=2)),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-11-28 23:15", datetime(2026, 11, 28, 23, 15, tzinfo=UTC)),
        ("2026-11-28T23:15+02:00", datetime(2026, 11, 28, 21, 15, tzinfo=UTC)),
    ],
)
def test_moments_as_people_type_them(text: str, moment: datetime) -> None:
    assert coming_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["soon", "24:00", "12:60", "2026-11-28 20:00", "2026-13-01", "", "5y"])
def test_what_is_no_time_to_come(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        coming_moment(text, NOW)
    assert caught.value.code == "bad-time"
    assert "22:30" in str(caught.value.hint)
