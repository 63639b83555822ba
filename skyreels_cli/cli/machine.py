"""The machine that this runs on, looked at without torch."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skyreels_cli.plan.machine import Machine


def machine_here() -> Machine:
    """Its first NVIDIA GPU (by NVML), its Apple GPU, or its CPU, and its memory."""
    import psutil

    from skyreels_cli.plan.machine import Machine
    from skyreels_cli.queue.device import sample

    ram = psutil.virtual_memory().total
    if cards := sample()["gpus"]:
        return Machine.with_card(cards[0]["name"], cards[0]["total_bytes"], ram)
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Machine.mac(ram)
    return Machine.cpu(psutil.cpu_count(logical=False) or os.cpu_count() or 1, ram)
