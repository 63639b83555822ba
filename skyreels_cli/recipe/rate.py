"""Frame rates as people write them, kept exact: 24, 12.5, 24000/1001, and 23.976 for the last."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

NTSC = Fraction(1000, 1001)
"""Broadcast rates are a thousandth below a whole number …"""
SHORTENED = Fraction(1, 200)
"""… and written with two or three digits behind the point: 23.98, 29.97, 59.94."""
LOWEST, HIGHEST = 1, 240


def parse_rate(said: Any) -> Fraction:
    """Frames per second of `24`, `23.976`, `24000/1001`; ValueError for what is none or cannot be shown."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}|/[1-9][0-9]{0,8})?", text := str(said).strip()):
        raise ValueError("should be frames per second, such as 24, 23.976 or 24000/1001")
    rate = Fraction(text)
    broadcast = (round(rate) + (rate > round(rate))) * NTSC
    if "." in text and rate.denominator > 1 and abs(rate - broadcast) < SHORTENED and broadcast > LOWEST:
        rate = broadcast
    if not LOWEST <= rate <= HIGHEST:
        raise ValueError(f"should be between {LOWEST} and {HIGHEST} frames per second")
    return rate


def rate_data(rate: Fraction) -> int | str:
    """A rate as JSON and YAML keep it: a whole number as it is, `24000/1001` as text."""
    return rate.numerator if rate.denominator == 1 else str(rate)


def rate_number(rate: Fraction) -> int | float:
    """A rate for those who only read it: 24, or 23.976."""
    return rate.numerator if rate.denominator == 1 else round(float(rate), 3)


Rate = Annotated[
    Fraction,
    BeforeValidator(parse_rate),
    PlainSerializer(rate_data),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": LOWEST, "maximum": HIGHEST}, {"type": "string"}]}),
]
"""Frames per second in a draft or recipe."""
