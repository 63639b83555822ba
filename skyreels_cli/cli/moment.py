"""Moments as people write them: `2026-11-01`, `2026-11-01T10:30`, `today`, `yesterday`, `7d`, `3h`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from skyreels_cli.errors import UsageError

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def past_moment(said: str, now: datetime) -> datetime:
    """The moment, where a length of time means so long ago; UsageError `bad-time` for what is none."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if said in ("today", "yesterday"):
        return today - timedelta(days=said == "yesterday")
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", said):
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise UsageError("bad-time", f"{said!r} is no time", "2026-11-01, 2026-11-01T10:30, today, 7d or 3h") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def how_long_ago(moment: datetime, now: datetime) -> str:
    """`just now`, `5 minutes ago`, `3 days ago`."""
    seconds = (now - moment).total_seconds()
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
