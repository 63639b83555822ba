"""In which dtype this machine computes a film, and how fast: by films that it made, else by a short calibration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from skyreels_cli.film.placement import Placement
from skyreels_cli.film.waits import known_waits, waits_key
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.compute import Speed, preparing_seconds
from skyreels_cli.plan.machine import CORE_RATE
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plan.speed import FilmShape, SpeedBook
from skyreels_cli.recipe.schema import Recipe

CALIBRATION_SECONDS = 60
"""When to give a calibration up, which takes about 4 s with the import of torch."""
NATIVE_BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""As Linux names what a CPU has."""


def suit_machine(
    recipe: Recipe, facts: ModelFacts, plan: Plan, placement: Placement, *, dtype: bool, calibrate: bool
) -> tuple[Recipe, Plan, str | None]:
    """The recipe with the `dtype` that suits the machine, if it is free; its plan with times of here; and why.

    Without `calibrate` nothing new is measured.
    """
    book = placement.speed_book
    shape = FilmShape.of(recipe, facts, plan)
    known, why = (book.dtype() if dtype else (recipe.dtype, None)) or (None, None)
    speed = book.speed(shape, known) if known else None
    if calibrate and (known is None or speed is None):
        known, why, speed = _calibrated(book, shape, known, why)
    if known is None:
        known, why = _likely_dtype(placement.device)
    recipe = recipe.model_copy(update={"dtype": known})
    if speed := speed or _likely_speed(placement.device):
        waited = known_waits(waits_key(recipe, facts, placement)).loading
        speed = replace(speed, preparing=waited or preparing_seconds(recipe, facts, speed))
    return recipe, make_plan(recipe, facts, speed), why


def _calibrated(
    book: SpeedBook, shape: FilmShape, dtype: str | None, why: str | None
) -> tuple[str | None, str | None, Speed | None]:
    """The dtype, if none is given yet, and the speed, both measured and remembered; as they were if that fails."""
    found = _measure({"device": book.device, "dtype": dtype, "shape": asdict(shape)})
    if found is None:
        return dtype, why, None
    if dtype is None:
        dtype, why = found["dtype"], found["why"]
        book.keep_dtype(dtype, why)
    speed = Speed(found["transformer"] * book.gpus, found["vae"], "a short calibration on this machine")
    book.keep_speed(shape, dtype, speed)
    return dtype, why, speed


def _measure(asked: dict[str, Any]) -> dict[str, Any] | None:
    """What the calibration says; None if it fails. A process of its own leaves no torch and no GPU's memory behind."""
    command = [sys.executable, "-m", "skyreels_cli.model.calibration", json.dumps(asked)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=CALIBRATION_SECONDS, check=True)
        found: dict[str, Any] = json.loads(ended.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return found


def _likely_dtype(device: str) -> tuple[str, str]:
    """What a machine that was not measured probably computes best in, and why."""
    if not _is_cpu(device):
        return "bfloat16", "most GPUs have it; nothing was measured"
    masked = {name for name in ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA") if os.environ.get(name)}
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else ()
    native = not masked and any(name in flags for name in NATIVE_BFLOAT16)
    return ("bfloat16", "the CPU has it") if native else ("float32", "the CPU has no bfloat16")


def _likely_speed(device: str) -> Speed | None:
    """An assumption for a machine that was not measured and has no GPU; None if it may have one."""
    if not _is_cpu(device):
        return None
    rate = CORE_RATE * (os.cpu_count() or 1)
    return Speed(rate, rate, f"an assumption: {os.cpu_count()} cores")


def _is_cpu(device: str) -> bool:
    """Whether a film is certainly computed on the CPU, as far as can be told without torch."""
    return device == "cpu" or (device == "auto" and sys.platform == "linux" and not Path("/dev/nvidiactl").exists())
