"""Moments as people type them: `22:30`, `2026-11-29 08:00`, `+90m`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from skyreels_cli.errors import UsageError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
EXAMPLES = "--at 22:30, --at '2026-11-29 08:00' or --at +90m"


def start_time(text: str, now: datetime) -> float:
    """Seconds since 1970 of the next such moment, in the time zone of `now`; UsageError `bad-time`."""
    if later := re.fullmatch(r"\+?(\d+)([smhd])", text.strip()):
        return (now + timedelta(**{UNITS[later[2]]: int(later[1])})).timestamp()
    if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip()):
        return _next(int(clock[1]), int(clock[2]), now, text)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError("bad-time", f"{text!r} is no time", EXAMPLES) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    if moment < now:
        raise UsageError("bad-time", f"{text!r} is over", EXAMPLES)
    return moment.timestamp()


def _next(hour: int, minute: int, now: datetime, text: str) -> float:
    """Today at that time, or tomorrow if that is over."""
    if hour > 23 or minute > 59:
        raise UsageError("bad-time", f"{text!r} is no time of a day", EXAMPLES)
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (today if today > now else today + timedelta(days=1)).timestamp()
