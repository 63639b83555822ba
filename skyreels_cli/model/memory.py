"""Devices and their memory: pick one, free it, and say how much was used."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from pathlib import Path

import torch

from skyreels_cli.errors import UsageError

if sys.platform != "win32":
    import resource


def pick_device(name: str) -> torch.device:
    """The device called `name`; `auto` is CUDA, then MPS, then the CPU."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError("device-unknown", f"no such device: {name}", "use auto, cuda, cuda:1, mps or cpu") from error
    if not _is_there(device):
        raise UsageError("device-missing", f"device {name} is not on this machine", "try --device auto or --device cpu")
    return device


def _is_there(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def release(device: torch.device) -> None:
    """Give memory that nothing refers to any more back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def forget_peak(device: torch.device) -> None:
    """Begin to measure the peak anew, so that it is one film's and not the process's; on a CPU on Linux only."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        with suppress(OSError):  # a kernel without page monitoring
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes(device: torch.device) -> int:
    """Peak memory of this process on the device since `forget_peak`; on CPU and MPS the peak resident set."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
