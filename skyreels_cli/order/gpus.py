"""NVIDIA GPUs as their driver sees them, by NVML, without torch."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any


def gpus() -> list[dict[str, Any]]:
    """Each with `name, used_bytes, total_bytes, load_percent, celsius, watts`; what the driver hides is null."""
    nvml = _nvml()
    if nvml is None:
        return []
    with suppress(nvml.NVMLError):
        return [_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    return []


def _gpu(nvml: Any, index: int) -> dict[str, Any]:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    looked: dict[str, Any] = {
        "name": nvml.nvmlDeviceGetName(handle),
        "used_bytes": memory.used,
        "total_bytes": memory.total,
        "load_percent": None,
        "celsius": None,
        "watts": None,
    }
    with suppress(nvml.NVMLError):  # each of these is missing on some card
        looked["load_percent"] = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
        looked["celsius"] = nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
        looked["watts"] = nvml.nvmlDeviceGetPowerUsage(handle) / 1000
    return looked


@cache
def _nvml() -> Any | None:
    """NVIDIA's library, if it and a driver are there (`pip install nvidia-ml-py`)."""
    try:
        nvml: Any = import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    return nvml
