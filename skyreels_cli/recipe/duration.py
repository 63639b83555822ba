"""Lengths of time as people write them."""

from __future__ import annotations

import re

from skyreels_cli.errors import UsageError

NUMBER = r"\d+(?:\.\d+)?"
CLOCK = re.compile(rf"(?:(?P<h>{NUMBER})h)?(?:(?P<m>{NUMBER})m)?(?:(?P<s>{NUMBER})s?)?")
SECONDS = {"h": 3600, "m": 60, "s": 1}


def parse_seconds(duration: str) -> float:
    """Seconds of `10s`, `2m`, `1m30s`, `1.5`; UsageError `bad-duration`, or `endless-film` for `inf`."""
    text = duration.strip().lower().replace(" ", "")
    if text in ("inf", "infinite", "endless"):
        message = "endless films cannot be rendered yet: a film needs a length"
        raise UsageError("endless-film", message, "--duration 60s")
    clock = CLOCK.fullmatch(text)
    seconds = sum(float(clock[unit] or 0) * SECONDS[unit] for unit in SECONDS) if clock else 0.0
    if not seconds:
        message = f"duration {duration!r} is no length of time such as 10s, 2m, 1m30s or 1.5"
        raise UsageError("bad-duration", message, "--duration 10s")
    return seconds
