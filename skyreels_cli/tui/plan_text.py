"""A plan (`plan_data`) as lines of text, for the form and for the screen of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from skyreels_cli.output import byte_size, clock, frame_range

ESTIMATES = {"time": "time", "memory": "memory", "memory_offload_stream": "offloaded", "disk": "disk"}


def plan_lines(plan: Mapping[str, Any]) -> Iterator[str]:
    """Length and size, estimates, a line per window, and the plan's notes."""
    windows = plan["windows"]
    yield f"{plan['frames']} frames, {plan['duration_s']:.1f} s at {plan['fps']} fps, {plan['width']}×{plan['height']}"
    yield f"{len(windows)} window{'s' if len(windows) > 1 else ''}, {plan['total_rows']} steps"
    yield from (f"{ESTIMATES[name]:<10}{_value(said)}" for name, said in plan["estimates"].items() if name in ESTIMATES)
    yield ""
    for window in windows:
        frames = frame_range(window["first_frame"], window["frames"])
        yield f"{window['index'] + 1:>3}  frames {frames:<11} {window['rows']} steps  blocks {_blocks(window)}"
    yield from (f"note: {note}" for note in plan["notes"])


def _value(estimate: Mapping[str, Any]) -> str:
    if estimate["unit"] == "B":
        return byte_size(estimate["value"])
    return clock(estimate["value"]) if estimate["value"] >= 1 else "under 1 s"


def _blocks(window: Mapping[str, Any]) -> str:
    """`1r 4×5`: `r` for ready, runs as a product."""
    sizes = [f"{size}r" if place < window["ready_blocks"] else str(size) for place, size in enumerate(window["blocks"])]
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    return " ".join(size if count == 1 else f"{count}×{size}" for size, count in runs)
