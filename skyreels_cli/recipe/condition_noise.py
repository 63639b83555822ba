"""Noise on the latents that condition a window: a timestep that is the same in every row, or `auto`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field


def parse_condition_noise(said: Any) -> int | Literal["auto"]:
    """The timestep in `20`, or `auto`; ValueError for what is neither."""
    if said == "auto":
        return "auto"
    if not re.fullmatch(r"[0-9]{1,3}(\.0+)?", text := str(said).strip()):
        raise ValueError("should be a whole number from 0 to 999, or auto")
    return int(float(text))


Timestep = Annotated[int, Field(ge=0, le=999)]
ConditionNoise = Annotated[Timestep | Literal["auto"], BeforeValidator(parse_condition_noise)]
"""Timestep of the clean latents in front of a window; `auto`: that of the first block behind them, row by row."""
