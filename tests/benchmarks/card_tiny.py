"""Writes the scores of the bundled model into its card, as tables and a plot, from results/score_tiny.json.

    python tests/benchmarks/card_tiny.py

What stands between the card's two marks is replaced; everything else in the card is written by people.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "score_tiny.json"
PLUGIN = Path(__file__).parents[2] / "plugins" / "skyreels_tiny"
MARKS = ("<!-- scores -->", "<!-- end of scores -->")

Scores = dict[str, Any]

BARS: tuple[tuple[str, str, str, float], ...] = (
    ("one object, unseen combination", "single", "background", 0.99),
    ("", "single", "colour", 0.98),
    ("", "single", "shape", 0.95),
    ("", "single", "direction", 0.98),
    ("", "single", "all", 0.93),
    ("the same, async", "async", "background", 0.99),
    ("", "async", "colour", 0.98),
    ("", "async", "shape", 0.95),
    ("", "async", "direction", 0.98),
    ("", "async", "all", 0.93),
    ("two objects, grow, shrink, gradient, pan, zoom", "wide", "all", 0.80),
    ("a given first frame", "image", "object", 0.90),
    ("", "image", "direction", 0.90),
    ("a given last frame", "end", "over 25 dB", 0.80),
)
"""What is shown, the measure and figure it is in, and the least it should be."""


def bars_table(scores: Scores) -> list[str]:
    """Every figure that was asked for beside what it should be at least."""
    lines = ["| films | figure | n | measured | at least |", "|---|---|---|---|---|"]
    for films, measure, figure, least in BARS:
        if measure in scores:
            part = scores[measure]
            mark = "" if part[figure] >= least else " — missed"
            lines.append(f"| {films} | {figure} | {part['n']} | {part[figure]:.2f} | {least:.2f}{mark} |")
    for join, part in scores.get("long", {}).items():
        kept = part["object, colour and background in the last window"]
        mark = "" if kept >= 0.85 else " — missed"
        figure = "object, colour, background right in the last"
        lines.append(f"| ten windows joined by {join} | {figure} | {part['n']} | {kept:.2f} | 0.85{mark} |")
    return lines


def long_table(scores: Scores) -> list[str]:
    """Both ways to join windows, side by side."""
    if "long" not in scores:
        return []
    lines = [f"| ten windows joined by | {' | '.join(LONG)} | background's shift, window 2 → 10 |"]
    lines.append("|---" * (len(LONG) + 2) + "|")
    for join, part in scores["long"].items():
        shifts = part["background shift by window"]
        figures = " | ".join(f"{part[key]:.2f}" for key in LONG.values())
        lines.append(f"| {join} | {figures} | {shifts[1]:.3f} → {shifts[-1]:.3f} |")
    return [*lines, ""]


LONG = {
    "shape in the last": "shape in the last window",
    "no second object in the last": "one object and no more in the last window",
    "change at joins over usual": "jump at joins (1 is none)",
    "object's leap at joins, px": "object's leap at joins px",
}
"""What is told of long films beside what they are held to, and the figure it is in."""


def vae_line(scores: Scores) -> list[str]:
    """One line about the VAE alone."""
    if "vae" not in scores:
        return []
    vae = scores["vae"]
    clips = f"VAE on {vae['n']} held-out clips: {vae['mean dB']} dB mean, {vae['worst clip dB']} dB worst clip;"
    return [f"{clips} first frames {vae['first frames']} dB, last frames {vae['last frames']} dB.", ""]


COMPARED = {"single": "defaults", "async": "async, 3 blocks 5 rows apart"}
"""What the measures that are compared are called; the rest go by their own names."""


def compared(scores: Scores) -> dict[str, Any]:
    """Every way of sampling films of one object, by what it is called."""
    parts = {name: part for name, part in scores.items() if isinstance(part, dict) and "wobble px" in part}
    return {COMPARED.get(name, name): part for name, part in parts.items()}


def compare_table(scores: Scores) -> list[str]:
    """The variants of sampling on the same prompts and seeds."""
    lines = [f"| sampling | n | {' | '.join(SHARES)} | misfit | wobble px | CPU s a film |"]
    lines.append("|---" * (len(SHARES) + 5) + "|")
    for name, part in compared(scores).items():
        shares = " | ".join(f"{part[key]:.2f}" for key in SHARES)
        steady = f"{part['misfit of the shape']:.3f} | {part['wobble px']:.2f}"
        lines.append(f"| {name} | {part['n']} | {shares} | {steady} | {part['CPU seconds per film']:.1f} |")
    return lines


SHARES = ("background", "colour", "shape", "direction", "count", "all")


def plot(scores: Scores, path: Path) -> None:
    """Left: what each way of sampling costs and how well it draws; right: how far backgrounds drift."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    for name, part in compared(scores).items():
        left.scatter(part["CPU seconds per film"], part["misfit of the shape"], s=18)
        said = f"{name.split(',')[0]} ({part['all']:.2f})"
        left.annotate(said, (part["CPU seconds per film"], part["misfit of the shape"]), fontsize=7)
    left.set(xlabel="CPU seconds a film of 33 frames", ylabel="misfit of the shape (in brackets: share all right)")
    for join, part in scores.get("long", {}).items():
        shifts = part["background shift by window"]
        right.plot(range(1, len(shifts) + 1), [value or float("nan") for value in shifts], marker="o", label=join)
    right.set(xlabel="window", ylabel="background's RGB distance from window 1", ylim=(0, None))
    right.legend(title="joined by")
    for axis in (left, right):
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def rewritten(card: str, section: str) -> str:
    """Return `card` with `section` between the marks."""
    before, rest = card.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{section}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def main() -> None:
    """Write the card's section and its plot."""
    scores: Scores = json.loads(RESULTS.read_text())
    origin = f"Films of the program itself, {scores['date']}, {scores['machine']}; `tests/benchmarks/score_tiny.py`."
    parts = [origin, "", *bars_table(scores), "", *vae_line(scores), *long_table(scores), *compare_table(scores)]
    parts += ["", "![ways of sampling, and drift](scores.png)"]
    plot(scores, PLUGIN / "scores.png")
    card = PLUGIN / "CARD.md"
    card.write_text(rewritten(card.read_text(), "\n".join(parts)))


if __name__ == "__main__":
    main()
