"""One job as one line, for as many columns as there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rich.cells import set_cell_size

from skyreels_cli.queue.job import JobSummary
from skyreels_cli.tui.view import progress_text

# A sign beside the word: states are told apart without colours.
SIGNS = {"queued": "·", "running": "▶", "paused": "‖", "succeeded": "✓", "failed": "✗", "cancelled": "–"}
WIDE = 110


def job_line(job: JobSummary, width: int, now: float, *, orphan: bool, place: Mapping[str, str] | None = None) -> str:
    """The columns of `header_line`; a job whose worker died says so, and one on another machine where it is."""
    sign = "queued" if place and place["state"] == "waiting" else job.state
    state = "lost" if orphan else sign
    cells = [
        f"{job.id:>6}",
        _cell(f"{SIGNS[sign]} {state}", 11),
        _cell(progress_text(job, now), 12),
        f"{job.priority:>4}" if job.priority else "   ·",
        f"{job.num_frames:>6}",
    ]
    if width >= WIDE:
        when = job.finished_at or job.started_at or job.created_at
        clock = f"{datetime.fromtimestamp(when).astimezone():%a %H:%M}"
        cells += [_cell(model_name(job.model), 14), _cell(job.resolution, 9), clock]
    where = f"{place['text']} · " if place else ""
    return " ".join(cells) + "  " + where + " ".join(job.prompt.split())


def header_line(width: int) -> str:
    """Titles of the columns."""
    wide = f" {'model':<14} {'size':<9} {'when':<9}" if width >= WIDE else ""
    return f"{'job':>6} {'state':<11} {'progress':<12} {'prio':>4} {'frames':>6}{wide}  film"


def model_name(model: str) -> str:
    """`DF-1.3B-540P` for `Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers`, the last part of other names."""
    return Path(model).name.removeprefix("SkyReels-V2-").removesuffix("-Diffusers")


def _cell(text: str, width: int) -> str:
    return set_cell_size(text, width)
