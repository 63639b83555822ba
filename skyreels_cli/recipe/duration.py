"""Parses durations such as `10s`, `1m30s` and `inf`."""

from __future__ import annotations

import re
from fractions import Fraction
from math import inf, isinf

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.choices import MAX_FRAMES

NUMBER = r"\d+(?:\.\d+)?"
CLOCK = re.compile(rf"(?:(?P<h>{NUMBER})h)?(?:(?P<m>{NUMBER})m)?(?:(?P<s>{NUMBER})s?)?")
SECONDS = {"h": 3600, "m": 60, "s": 1}
ENDLESS = ("inf", "infinite", "endless")


def parse_seconds(duration: str) -> float:
    """Seconds in `10s`, `2m`, `1m30s` or `1.5`, infinity for `inf`; raises UsageError `bad-duration`."""
    text = duration.strip().lower().replace(" ", "")
    if text in ENDLESS:
        return inf
    clock = CLOCK.fullmatch(text)
    seconds = sum(float(clock[unit] or 0) * SECONDS[unit] for unit in SECONDS) if clock else 0.0
    if not seconds or isinf(seconds):
        message = f"duration {duration[:40]!r} is no length of time such as 10s, 2m, 1m30s or 1.5"
        raise UsageError("bad-duration", message, "--duration 10s")
    return seconds


def frames_in(duration: str, fps: Fraction) -> int | None:
    """Frames nearest to a duration, at least one; None if it is endless; UsageError `bad-duration` beyond 10¹²."""
    seconds = parse_seconds(duration)
    if isinf(seconds):
        return None
    if seconds * fps > MAX_FRAMES:
        message = f"a duration of {seconds:.3g} s at {float(fps):g} fps is more than {MAX_FRAMES:,} frames"
        raise UsageError("bad-duration", message, "--duration inf")
    return max(1, round(seconds * fps))
