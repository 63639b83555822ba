"""A plan as plain data, for `--dry-run --json`, the sidecar and the dashboard."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.recipe.rate import rate_number


def plan_data(plan: Plan) -> dict[str, Any]:
    """The numbers of a plan as JSON values: frames, windows, rows, tokens, estimates with their basis, notes.

    An endless film has null for frames, duration and rows, and only its first windows are listed.
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
        "trim_frames": sum(window.trim_frames for window in plan.windows),
        "windows": [_window_data(window, plan.tokens_per_frame) for window in plan.windows],
        "estimates": {name: asdict(estimate) for name, estimate in plan.estimates.items()},
        "notes": list(plan.notes),
    }


def _window_data(window: Window, tokens_per_frame: int) -> dict[str, Any]:
    """One window; `blocks` are sizes in latent frames, and the first `ready_blocks` of them are not denoised."""
    return {
        "index": window.index,
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
