"""A plan (`plan_data`) as lines of text, for the form and for the screen of a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from skyreels_cli.output import byte_size, clock, frames_of_run, window_numbers
from skyreels_cli.plan.dry_run import count_windows

ESTIMATES = {"time": "time", "memory": "memory", "memory_offload_stream": "offloaded", "disk": "disk"}
PLACE = ("window", "first_frame", "count")
"""What sets alike windows apart."""


def plan_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """Length and size, estimates, a line per window, and the plan's notes."""
    yield f"{plan['frames']} frames, {plan['duration_s']:.1f} s at {plan['fps']} fps, {plan['width']}×{plan['height']}"
    count = count_windows(plan)
    yield f"{count} window{'s' if count > 1 else ''}, {plan['total_rows']} steps"
    yield from (f"{ESTIMATES[name]:<10}{_value(said)}" for name, said in plan["estimates"].items() if name in ESTIMATES)
    yield ""
    yield from (_window_line(window, windows) for window, windows in _alike(plan["windows"]))
    yield from (f"note: {note}" for note in plan["notes"])


def _alike(windows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """The first of each run of alike windows, and how many these are."""
    for _, run in groupby(windows, lambda window: {**window, **dict.fromkeys(PLACE)}):
        first, *others = run
        yield first, sum(window.get("count", 1) for window in (first, *others))


def _window_line(window: Mapping[str, Any], count: int) -> str:
    frames = frames_of_run(window["first_frame"], window["frames"], count)
    numbers = window_numbers(window["window"], count)
    return f"{numbers:>3}  frames {frames:<11} {window['rows']} steps  blocks {_blocks(window)}"


def _value(estimate: Mapping[str, Any]) -> str:
    if estimate["unit"] == "B":
        return byte_size(estimate["value"])
    return clock(estimate["value"]) if estimate["value"] >= 1 else "under 1 s"


def _blocks(window: Mapping[str, Any]) -> str:
    """`1r 4×5`: `r` for ready, runs as a product."""
    sizes = [f"{size}r" if place < window["ready_blocks"] else str(size) for place, size in enumerate(window["blocks"])]
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    return " ".join(size if count == 1 else f"{count}×{size}" for size, count in runs)
