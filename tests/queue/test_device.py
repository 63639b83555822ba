from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from skyreels_cli.queue import device


def test_the_host_and_the_renderer() -> None:
    looked = device.sample(os.getpid())
    assert looked["ram_total_bytes"] == psutil.virtual_memory().total
    assert 0 < looked["ram_used_bytes"] < looked["ram_total_bytes"]
    assert looked["renderer_bytes"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert 0 <= looked["cpu_percent"] <= 100
    assert device.sample(2**22 + 1)["renderer_bytes"] == 0


class NVML(SimpleNamespace):
    """NVIDIA's library on a machine with one card, whose power cannot be read."""

    class NVMLError(Exception): ...

    NVML_TEMPERATURE_GPU = 0

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=30 * 10**9, total=80 * 10**9)

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return "H100"

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=97)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        return 61

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        raise self.NVMLError


def test_gpus_by_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyreels_cli.order.gpus._nvml", NVML)
    looked = device.sample()
    assert looked["gpus"] == [
        {
            "name": "H100",
            "used_bytes": 30 * 10**9,
            "total_bytes": 80 * 10**9,
            "load_percent": 97,
            "celsius": 61,
            "watts": None,
        }
    ]
    assert device.memory_in_use(looked, "cuda") == device.memory_in_use(looked, "auto") == 30 * 10**9
    assert device.memory_in_use({**looked, "renderer_bytes": 5}, "cpu") == 5
    assert device.memory_in_use({**looked, "renderer_bytes": 5}, "cuda:3") == 5
