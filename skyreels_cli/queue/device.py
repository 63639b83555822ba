"""Samples of host memory, load and NVIDIA GPUs (where NVML is there), without torch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from skyreels_cli.order.gpus import gpus

NOTHING_IN_USE: dict[str, Any] = {
    "ram_used_bytes": 0, "ram_total_bytes": 0, "cpu_percent": 0.0, "renderer_bytes": 0, "gpus": [],
}  # fmt: skip
"""The sample of a machine that has not told anything yet."""


def sample(renderer: int | None = None) -> dict[str, Any]:
    """Measure what is in use now: memory in bytes, load in percent. `renderer` is the pid of a process to look at.

    Keys: `ram_used_bytes, ram_total_bytes, cpu_percent` (of all cores, since the last sample), `renderer_bytes` (its
    resident set, children left out), `gpus`: a list of `name, used_bytes, total_bytes, load_percent, celsius, watts`,
    where a value that the driver does not tell is null.
    """
    memory = psutil.virtual_memory()
    looked: dict[str, Any] = {
        "ram_used_bytes": memory.total - memory.available,
        "ram_total_bytes": memory.total,
        "cpu_percent": psutil.cpu_percent(),
        "renderer_bytes": 0,
        "gpus": gpus(),
    }
    if renderer is not None:
        with suppress(psutil.Error):
            looked["renderer_bytes"] = psutil.Process(renderer).memory_info().rss
    return looked


def memory_in_use(looked: dict[str, Any], device: str) -> int:
    """Bytes in use where a film is computed: on the GPU of that name, else by the renderer's process."""
    index = int(device.partition(":")[2] or 0)
    if device != "cpu" and index < len(looked["gpus"]):
        return int(looked["gpus"][index]["used_bytes"])
    return int(looked["renderer_bytes"])


def oom_kills() -> int:
    """Processes that Linux has killed for want of memory since boot: whether a SIGKILL was one of these."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="utf-8").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
