"""Where and how a film is computed on this machine; frames do not depend on it but for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from skyreels_cli.plan.speed import SpeedBook

Offload = Literal["auto", "none", "model", "stream"]
"""`auto` is decided when the film is planned, or when its turn comes."""

Attention = Literal["auto", "sdpa", "flash", "cudnn", "efficient", "math", "flash3", "flash4"]


@dataclass(frozen=True)
class Placement:
    """Device, offloading and kernels of a run; `auto` picks CUDA, then MPS, then the CPU.

    With several `gpus` the device names the first of them, `parallel` the backend that divides the work (None: the
    best) and `options` what it is told.
    """

    device: str = "auto"
    offload: Offload = "none"
    attention: Attention = "auto"
    compile: bool = False
    gpus: int = 1
    parallel: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def leaving(self) -> str:
        """What leaves the device; nothing is assumed to, as long as that is not decided."""
        return "none" if self.offload == "auto" else self.offload

    @property
    def speed_book(self) -> SpeedBook:
        """What is remembered of the speed of films that are computed so."""
        from skyreels_cli.plan.speed import SpeedBook

        return SpeedBook(self.device, self.gpus, self.leaving, self.attention, self.compile)
