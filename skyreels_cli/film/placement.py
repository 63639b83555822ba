"""Where and how a film is computed on this machine; it never changes what is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Offload = Literal["none", "model", "stream"]


@dataclass(frozen=True)
class Placement:
    """Device, offloading and attention kernel of a run; `auto` picks CUDA, then MPS, then the CPU."""

    device: str = "auto"
    offload: Offload = "none"
    attention: str | None = None
    gpus: int = 1
