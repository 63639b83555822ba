"""What `skyreels show --drift` prints and `--plot` draws: how a film changes from window to window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skyreels_cli.cli.show_view import DRIFTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.film.drift import Drift
    from skyreels_cli.media.reader import Frame

EVEN_PARTS = 12
"""Parts of a video whose windows are not known."""
MOST_BLOCKS = 48
UNSEEN = 0.01
"""A change of the look by less than this, of a range of 1, is not seen, and shall not look like one."""


def drift_of(file: Path) -> Drift:
    """Measure a video, window by window where the file beside it tells them."""
    from skyreels_cli.film.drift import measure_drift
    from skyreels_cli.film.index.frames import window_starts
    from skyreels_cli.media.reader import read_frames
    from skyreels_cli.media.video import open_video

    video = open_video(file)
    count = min(EVEN_PARTS, video.frames)
    starts = window_starts(video) or [part * video.frames // count for part in range(count)]
    return measure_drift(read_frames(file), [0, *starts] if starts[0] else starts)


def drift_view(drift: Drift) -> RenderableType:
    """A curve for each quality of the look, the steps at joins, and how alike frames stay."""
    from rich.table import Table

    from skyreels_cli.media.drawing import curve

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, justify in (("", "left"), ("first", "right"), ("last", "right"), ("change", "right")):
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column(f"over {len(drift.looks)} parts")
    for name in DRIFTS:
        values = [getattr(look, name) for look in drift.looks]
        middle, span = (min(values) + max(values)) / 2, max(max(values) - min(values), UNSEEN)
        drawn = curve(_thinned(values), MOST_BLOCKS, middle - span / 2, middle + span / 2)
        table.add_row(name, f"{values[0]:.3f}", f"{values[-1]:.3f}", f"{values[-1] - values[0]:+.3f}", drawn)
    if drift.steps:
        steps = sorted(drift.steps)
        said = f"median {steps[len(steps) // 2]:.2f}, largest {steps[-1]:.2f} times the usual change between frames"
        table.add_row("joins", "", "", "", said)
    alike = "  ".join(f"{apart}: {value:.3f}" for apart, value in drift.likeness.items())
    if alike:
        table.add_row("alike", "", "", "", f"frames apart {alike}")
    return table


def drift_plot(drift: Drift, heading: str) -> Frame:
    """The same as a picture."""
    from skyreels_cli.media.plot import Curve, plot

    looks = [Curve(name, {"": [getattr(look, name) for look in drift.looks]}, 2 * UNSEEN) for name in DRIFTS]
    steps = [Curve("step into each part, 1 is no seam", {"": [1.0, *drift.steps]}, 1.0)] if drift.steps else []
    return plot(heading, [*looks, *steps], ("first part", f"part {len(drift.looks)}"))


def _thinned(values: list[float]) -> list[float]:
    """At most as many values as fit into a line, evenly spaced, the last among them."""
    if len(values) <= MOST_BLOCKS:
        return values
    return [values[place * (len(values) - 1) // (MOST_BLOCKS - 1)] for place in range(MOST_BLOCKS)]
