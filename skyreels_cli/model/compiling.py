"""Torch's compiler: tried on a few numbers before any weight is loaded."""

from __future__ import annotations

import torch
from torch import Tensor

from skyreels_cli.errors import UsageError, first_line

NEEDED = {"cpu": "--no-compile, or install g++ and Python's headers", "cuda": "--no-compile, or pip install triton"}


def check_compiler(device: torch.device) -> None:
    """Compile a function of a few numbers and run it; UsageError `compile-unusable` where that fails.

    A C++ compiler, Python's headers, triton: what is needed differs, and shows in no other way for certain. It takes
    3 s on a CPU, and none once torch's own cache has it.
    """
    hint = NEEDED.get(device.type, "--no-compile")
    numbers = torch.arange(8.0, device=device)
    try:
        found = torch.compile(_doubled, fullgraph=True)(numbers)
    except Exception as error:
        message = f"torch cannot compile for {device.type} here: {_cause(error)}"
        raise UsageError("compile-unusable", message, hint) from error
    if not torch.equal(found, numbers + numbers):
        message = f"what torch compiles for {device.type} here gives wrong results"
        raise UsageError("compile-unusable", message, "--no-compile")


def _doubled(numbers: Tensor) -> Tensor:
    return numbers + numbers


def _cause(error: Exception) -> str:
    """What a compiler's own output says is wrong, else the first line."""
    said = (line.strip() for line in str(error).splitlines())
    return next((line for line in said if " error: " in line), first_line(error))
