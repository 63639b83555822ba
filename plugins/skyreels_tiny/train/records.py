"""What a training run leaves behind: checkpoints written atomically, and one CSV of losses and scores."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch

COLUMNS = ("phase", "step", "seconds", "samples", "name", "value")
"""One row per figure: `name` is "loss", "loss/sync", "psnr", "score/colour" …"""


class Log:
    """Appends figures to `run.csv`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "run.csv"
        if not self.path.exists():
            self._append([COLUMNS])

    def write(self, phase: str, step: int, seconds: float, samples: int, figures: dict[str, float]) -> None:
        """Append one row per figure, and print them on one line."""
        self._append(
            [(phase, step, round(seconds, 1), samples, name, f"{value:.5g}") for name, value in figures.items()]
        )
        shown = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"{phase} step {step} {seconds:.0f}s n={samples} {shown}", flush=True)

    def _append(self, rows: list[tuple[Any, ...]]) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerows(rows)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` beside `path`, then rename: a reader or a kill never meets half a file."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return what `save_checkpoint` wrote there, or None."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return state
