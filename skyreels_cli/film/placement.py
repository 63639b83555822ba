"""Where and how a film is computed on this machine; frames do not depend on it but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Offload = Literal["auto", "none", "model", "stream"]
"""`auto` is decided when the film is planned, or when its turn comes."""

Attention = Literal["auto", "sdpa", "flash", "cudnn", "efficient", "math", "flash3", "flash4"]


@dataclass(frozen=True)
class Placement:
    """Device, offloading and attention kernel of a run; `auto` picks CUDA, then MPS, then the CPU.

    With several `gpus` the device names the first of them, `parallel` the backend that divides the work (None: the
    best) and `options` what it is told.
    """

    device: str = "auto"
    offload: Offload = "none"
    attention: Attention = "auto"
    gpus: int = 1
    parallel: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
