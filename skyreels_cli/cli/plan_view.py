"""A plan as a table for people (`--dry-run`); scripts get `plan_data`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from skyreels_cli.output import byte_size, clock, frames_of_run, window_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from rich.console import RenderableType
    from rich.table import Table

    from skyreels_cli.plan.plan import Estimate, Plan, Window

LONGEST_RUN = 6


def plan_view(plan: Plan, output: Path) -> RenderableType:
    """Draw windows (alike ones in one line), what they cost and what is unusual about them, within 80 columns."""
    from rich.console import Group

    from skyreels_cli.recipe.rate import rate_number

    frames, length = ("endless", "") if plan.num_frames is None else _length(plan.num_frames, plan.fps)
    head = f"{frames}, {plan.width}×{plan.height}, {rate_number(plan.fps)} fps{length} → {output}"
    notes = [f"note: {note}" for note in plan.notes]
    return Group(head, "", _windows(plan), "", _estimates(plan), *_joins(plan), *notes)


def _joins(plan: Plan) -> Iterator[str]:
    """What each way to join the windows would cost."""
    if plan.joins:
        costs = (f"{join} {cost.rows:,} rows, {clock(cost.seconds)}" for join, cost in plan.joins.items())
        yield f"--join {' · '.join(costs)}"


def _length(frames: int, fps: Fraction) -> tuple[str, str]:
    return f"{frames} frames", f", {float(frames / fps):.1f} s"


def _windows(plan: Plan) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("window", "frames", "latents", "prefix", "rows", "trimmed"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("blocks (r = ready)")
    shots = plan.windows[-1].shot + 1
    if shots > 1:
        table.add_column("shot", justify="right")
    for run in plan.windows.runs:
        window = run.first
        latents = f"{window.latents}+end" if window.end_frame else str(window.latents)
        table.add_row(
            f"{window_numbers(window.number, run.count)}/{plan.count or '…'}",
            frames_of_run(window.first_frame, window.new_frames, run.count),
            latents,
            str(window.prefix_latents),
            str(window.rows),
            str(window.trim_frames),
            block_layout(window),
            *([str(window.shot + 1)] if shots > 1 else []),
        )
    return table


def block_layout(window: Window) -> str:
    """Sizes of a window's blocks in latent frames: `1r 5 5 5`, `r` for ready, a long run as `24×1`."""
    sizes = [f"{block.size}r" if block.ready else str(block.size) for block in window.blocks]
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    words = [f"{count}×{size}" if count > LONGEST_RUN else " ".join([size] * count) for size, count in runs]
    return " ".join(words)


def _estimates(plan: Plan) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, estimate in plan.estimates.items():
        table.add_row(name.replace("_", " "), _value(estimate), estimate.basis)
    return table


def _value(estimate: Estimate) -> str:
    if estimate.unit == "B":
        return byte_size(estimate.value)
    return clock(estimate.value) if estimate.value >= 1 else "under 1 s"
