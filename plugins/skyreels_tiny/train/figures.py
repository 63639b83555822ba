"""Draws a run's losses and scores from its CSV."""

from __future__ import annotations

import csv
import importlib.util
from collections import defaultdict
from pathlib import Path
from typing import Final

Series = dict[str, tuple[list[float], list[float]]]


def read_run(path: Path) -> dict[str, Series]:
    """Return phase → figure name → (seconds worked since the phase began, values)."""
    phases: dict[str, Series] = defaultdict(lambda: defaultdict(lambda: ([], [])))
    with path.open() as file:
        for row in csv.DictReader(file):
            times, values = phases[row["phase"]][row["name"]]
            if times and float(row["seconds"]) < times[-1]:  # begun again from an earlier checkpoint
                times.append(float("nan"))
                values.append(float("nan"))
            times.append(float(row["seconds"]))
            values.append(float(row["value"]))
    return phases


ROWS: Final = (
    ("PSNR in dB, or loss by noise levels", ("psnr", "loss/")),
    ("loss of single pictures", ("picture loss/",)),
    ("error of the probe", ("hints", "lesson")),
    ("share of films right", ("score/",)),
)
"""What stands on each row of the drawing: a title, and how the names of its figures begin."""

UNSHOWN: Final = ("object", "wide object", "wide colour", "wide shape", "wide direction", "wide background")
"""How the names of scores begin that would only crowd the drawing."""


def draw_run(source: Path, target: Path) -> None:
    """Draw one column per phase and one row per group of figures, leaving out what a phase does not have.

    Nothing is drawn, and no run fails, where there is nothing to draw yet or no matplotlib, which only this needs.
    """
    phases = read_run(source)
    rows = [row for row in ROWS if any(_chosen(series, row[1]) for series in phases.values())]
    if not rows or importlib.util.find_spec("matplotlib") is None:
        return
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    size = (2.9 * len(phases), 2.3 * len(rows))
    figure, axes = plt.subplots(len(rows), len(phases), figsize=size, squeeze=False)
    named: set[str] = set()
    for column, (phase, series) in enumerate(phases.items()):
        axes[0][column].set_title(phase, fontsize=10)
        for axis, (title, beginnings) in zip(axes[:, column], rows, strict=True):
            for label, (times, values) in _chosen(series, beginnings).items():
                axis.plot(times, values, label=label, linewidth=0.8)
            axis.tick_params(labelsize=7)
            axis.legend(fontsize=6, framealpha=0.5) if axis.lines else axis.axis("off")
            if axis.lines and title not in named:
                named.add(title)
                axis.set_ylabel(title, fontsize=7)
        axes[-1][column].set_xlabel("seconds worked", fontsize=7)
    figure.tight_layout()
    figure.savefig(target, dpi=90)
    plt.close(figure)


def _chosen(series: Series, beginnings: tuple[str, ...]) -> Series:
    """Return label → curve of the figures whose names begin so; a label is what follows the last slash."""
    curves = {name.split("/")[-1]: curve for name, curve in sorted(series.items()) if name.startswith(beginnings)}
    return {label: curve for label, curve in curves.items() if not label.startswith(UNSHOWN)}
