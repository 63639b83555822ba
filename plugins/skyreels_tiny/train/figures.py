"""Draws a run's losses and scores from its CSV."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

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


def draw_run(source: Path, target: Path) -> None:
    """Draw one column per phase: losses or PSNR above, scores below."""
    import matplotlib as mpl  # wanted only here: no dependency of training

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    phases = read_run(source)
    figure, axes = plt.subplots(2, len(phases), figsize=(4 * len(phases), 6), squeeze=False)
    for column, (phase, series) in enumerate(phases.items()):
        for name, (times, values) in sorted(series.items()):
            if name.endswith("norm"):
                continue
            axis = axes[1 if name.startswith("score/") else 0][column]
            axis.plot(times, values, label=name.split("/")[-1], linewidth=1)
        axes[0][column].set_title(phase)
        axes[1][column].set_xlabel("seconds worked")
        for axis in (axes[0][column], axes[1][column]):
            axis.legend(fontsize=7) if axis.lines else axis.axis("off")
    figure.tight_layout()
    figure.savefig(target, dpi=90)
    plt.close(figure)
