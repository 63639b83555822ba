"""Moments as people write them: `2026-11-01`, `2026-11-01T10:30`, `today`, `yesterday`, `7d`, `3h`, `22:30`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from skyreels_cli.errors import UsageError

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
COMING = "22:30, +90m or '2026-12-01 08:00'"


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


def coming_moment(said: str, now: datetime) -> datetime:
    """The next such moment, where a length of time means in so long; UsageError `bad-time` for what is none or over."""
    if later := re.fullmatch(r"\+?(\d{1,6})([mhdw])", said):
        return now + timedelta(**{UNITS[later[2]]: int(later[1])})
    try:
        if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", said):
            today = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise UsageError("bad-time", f"{said!r} is no time", COMING) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    if moment < now:
        raise UsageError("bad-time", f"{said!r} is over", COMING)
    return moment


def how_long_ago(moment: datetime, now: datetime) -> str:
    """`just now`, `5 minutes ago`, `3 days ago`."""
    seconds = (now - moment).total_seconds()
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
