"""A machine as far as it matters to a plan: where it computes, how much memory is there, how fast it probably is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from skyreels_cli.plan.compute import FLOAT32_SHARE, Speed

DeviceKind = Literal["cuda", "mps", "cpu"]

# Cards by name, their memory in GB, and the bfloat16 rate that a diffusion transformer reaches on them: 40 % of the
# dense rate in the maker's data sheet, as an H100 does here (400 of 990 TFLOP/s).
KNOWN_CARDS = (
    (r"B200|GB200", "B200", 180, 900e12),
    (r"H200|H100|GH200|H800", "H100", 80, 400e12),
    (r"A100|A800", "A100", 80, 125e12),
    (r"L40|RTX 6000 Ada|RTX PRO", "L40S", 48, 145e12),
    (r"A6000|A40\b", "RTX A6000", 48, 62e12),
    (r"5090", "RTX 5090", 32, 84e12),
    (r"4090", "RTX 4090", 24, 66e12),
    (r"3090|A5000|A10\b", "RTX 3090", 24, 28e12),
    (r"5080|4080|5070 Ti", "RTX 4080", 16, 39e12),
    (r"4070|5070|A4000", "RTX 4070", 12, 23e12),
    (r"3060|3080", "RTX 3060", 12, 10e12),
    (r"4060|5060|3070", "RTX 4060", 8, 12e12),
)
APPLE_RATE = 6e12
"""Of an Apple GPU of 30 cores in float16, at the same share of its rate."""
CORE_RATE = 40e9
"""Of a CPU core with AVX2 in float32."""

CONTEXT_BYTES = 0.6e9
SLACK = 1.1
"""What the driver takes of a card, and what an allocator wastes."""
UNIFIED_SHARE = 0.75
"""Of a Mac's memory its GPU may have so much by default."""


@dataclass(frozen=True)
class Machine:
    """One device and the memory of its host; `rate` is in FLOP/s and `rate_basis` says where it is from."""

    kind: DeviceKind
    name: str
    device_bytes: float
    ram_bytes: float
    rate: float
    rate_basis: str

    @classmethod
    def with_card(cls, name: str, device_bytes: float, ram_bytes: float) -> Machine:
        """A machine with an NVIDIA card; one of an unknown name is taken for the known one next in memory."""
        named = [card for card in KNOWN_CARDS if re.search(card[0], name)]
        alike = [card for card in KNOWN_CARDS if card[2] * 0.95e9 <= device_bytes] or [KNOWN_CARDS[-1]]
        _, like, _, rate = (named or alike)[0]
        return cls("cuda", name, device_bytes, ram_bytes, rate, f"the assumed rate of the {like}")

    @classmethod
    def with_gpu(cls, device_bytes: float) -> Machine:
        """A machine with some card of that memory and twice as much RAM."""
        return cls.with_card(f"a GPU with {device_bytes / 1e9:.0f} GB", device_bytes, 2 * device_bytes)

    @classmethod
    def mac(cls, ram_bytes: float) -> Machine:
        """A Mac with an Apple GPU, which shares the memory."""
        return cls(
            "mps", "Apple GPU", UNIFIED_SHARE * ram_bytes, ram_bytes, APPLE_RATE, "the assumed rate of an M-class GPU"
        )

    @classmethod
    def cpu(cls, cores: int, ram_bytes: float) -> Machine:
        """A machine without a GPU that torch could use."""
        return cls(
            "cpu",
            f"{cores} cores, no GPU",
            ram_bytes,
            ram_bytes,
            cores * CORE_RATE,
            f"an assumed rate of {cores} cores",
        )

    @property
    def speed(self) -> Speed:
        """Its rate, and that of the VAE, which computes in float32."""
        return Speed(self.rate, self.rate * (1 if self.kind == "cpu" else FLOAT32_SHARE), self.rate_basis)

    @property
    def shares_memory(self) -> bool:
        """Whether what the device takes is taken from the host."""
        return self.kind != "cuda"

    def holds(self, device_peak: float, host_peak: float) -> bool:
        """Whether these peaks fit, with some slack."""
        if self.shares_memory:
            return (device_peak + host_peak) * SLACK <= self.device_bytes
        return device_peak * SLACK + CONTEXT_BYTES <= self.device_bytes and host_peak <= self.ram_bytes
