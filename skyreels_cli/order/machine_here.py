"""The machine that this runs on, looked at without torch."""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from typing import Any

import psutil

from skyreels_cli.order.gpus import gpus
from skyreels_cli.plan.machine import Machine


def machine_here(device: str = "auto", count: int = 1, *, free: bool = False) -> Machine:
    """Its NVIDIA GPU (by NVML), its Apple GPU, or its CPU, and its memory; with `free` what nothing uses now.

    `device` is as in the settings; of `count` GPUs from there on the one with the least memory counts, and the RAM is
    shared among the processes that drive them.
    """
    memory = psutil.virtual_memory()
    ram = memory.available if free else memory.total
    if cards := _cards(device, count):
        card, room = min(((card, _bytes(card, free)) for card in cards), key=lambda each: each[1])
        return replace(Machine.with_card(card["name"], card["total_bytes"], ram / count), device_bytes=room)
    if device in ("auto", "mps") and platform.system() == "Darwin" and platform.machine() == "arm64":
        mac = Machine.mac(memory.total)
        return replace(mac, ram_bytes=ram, device_bytes=min(ram, mac.device_bytes))
    return Machine.cpu(psutil.cpu_count(logical=False) or os.cpu_count() or 1, ram)


def _cards(device: str, count: int) -> list[dict[str, Any]]:
    """The GPUs that a film would use."""
    if device in ("cpu", "mps"):
        return []
    first = int(device.partition(":")[2] or 0)
    return _visible(gpus())[first : first + count]


def _visible(cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that CUDA shows to programs, in its order; all, where they are named by something else than numbers."""
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    if said is None:
        return cards
    numbers = [part.strip() for part in said.split(",") if part.strip()]
    if not all(number.lstrip("-").isdigit() for number in numbers):
        return cards
    return [cards[int(number)] for number in numbers if 0 <= int(number) < len(cards)]


def _bytes(card: dict[str, Any], free: bool) -> float:
    return float(card["total_bytes"] - (card["used_bytes"] if free else 0))
