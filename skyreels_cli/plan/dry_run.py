"""A plan as plain data, for `--dry-run --json`, the sidecar and the dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from skyreels_cli.plan.plan import Plan, WindowRun, Windows
from skyreels_cli.recipe.rate import rate_number

MOST_LISTED = 200


def plan_data(plan: Plan) -> dict[str, Any]:
    """The numbers of a plan as JSON values: frames, windows, rows, tokens, estimates with their basis, notes.

    An endless film has null for frames, duration and rows, and only its first windows are listed. An entry of
    `windows` stands for `count` windows in a row that are alike but for `window` (their number, from 1) and
    `first_frame`, which are the first one's; up to 200 windows are listed one by one, with a `count` of 1.
    """
    return {
        "frames": plan.num_frames,
        "fps": rate_number(plan.fps),
        "duration_s": None if plan.num_frames is None else float(plan.num_frames / plan.fps),
        "width": plan.width,
        "height": plan.height,
        "inference_steps": plan.inference_steps,
        "total_rows": plan.total_rows,
        "tokens_per_frame": plan.tokens_per_frame,
        "trim_frames": plan.windows.total(lambda window: window.trim_frames),
        "windows": [_run_data(run, plan.tokens_per_frame) for run in listed_runs(plan.windows, MOST_LISTED)],
        "estimates": {name: asdict(estimate) for name, estimate in plan.estimates.items()},
        "notes": list(plan.notes),
        "joins": {join: asdict(cost) for join, cost in plan.joins.items()},
    }


def listed_runs(windows: Windows, most: int) -> Iterator[WindowRun]:
    """The windows one by one if there are at most so many, else runs of alike ones."""
    if len(windows) > most:
        yield from windows.runs
    else:
        yield from (WindowRun(window) for window in windows)


def count_windows(data: Mapping[str, Any]) -> int:
    """How many windows the film of a `plan_data` has."""
    return sum(window.get("count", 1) for window in data["windows"])


def _run_data(run: WindowRun, tokens_per_frame: int) -> dict[str, Any]:
    """Alike windows; `blocks` are sizes in latent frames, and the first `ready_blocks` of them are not denoised."""
    window = run.first
    return {
        "window": window.number,
        "count": run.count,
        "shot": window.shot,
        "first_frame": window.first_frame,
        "frames": window.new_frames,
        "drop_frames": window.drop_frames,
        "trim_frames": window.trim_frames,
        "latents": window.latents,
        "prefix_latents": window.prefix_latents,
        "end_frame": window.end_frame,
        "blocks": [block.size for block in window.blocks],
        "ready_blocks": sum(block.ready for block in window.blocks),
        "rows": window.rows,
        "tokens": window.forward_latents * tokens_per_frame,
    }
