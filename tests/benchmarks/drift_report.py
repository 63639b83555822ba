"""The table, the curves and the contact sheets of `bench_drift`, from the lines that it has written."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skyreels_cli.media.plot import Curve, plot

Line = Mapping[str, Any]
LAST = 3
"""Windows at each end of a film that are compared."""
RIGHT = ("background", "count", "object", "colour", "shape")
QUALITIES = ("luma", "saturation", "contrast", "sharpness")
SHEET_FILMS = 8


def report(lines: Sequence[Line], rows: Sequence[str], results: Path) -> None:
    """Write bench_drift.json, .md, .png and a sheet of films.

    Rows are compared on the films that all of them have: those that have most films, and then all rows.
    """
    length = max(line["length"] for line in lines)
    kept = [line for line in lines if line["length"] == length]
    counts = {row: sum(line["row"] == row for line in kept) for row in rows}
    there = [row for row in rows if counts[row]]
    main = [row for row in there if 2 * counts[row] > max(counts.values())]
    tables = [compared(kept, chosen) for chosen in ([main, there] if main != there else [there])]
    machine = {"machine": f"{os.cpu_count()} cores, {platform.platform()}", "date": str(datetime.now(UTC).date())}
    data = {"windows": length, "tables": [_figures_of(by_row) for by_row in tables], **machine}
    (results / "bench_drift.json").write_text(json.dumps(data, indent=1) + "\n")
    (results / "bench_drift.md").write_text(as_markdown(data))
    films = len(tables[0][main[0]])
    Image.fromarray(curves(tables[0], f"{films} films of {length} windows")).save(results / "bench_drift.png")
    sheet(tables[0], results)
    print(as_markdown(data))


def compared(lines: Sequence[Line], rows: Sequence[str]) -> dict[str, list[Line]]:
    """The films of each row that the others have as well."""
    shared = set.intersection(*({line["film"] for line in lines if line["row"] == row} for row in rows))
    ours = sorted((line for line in lines if line["film"] in shared), key=lambda line: int(line["film"]))
    return {row: [line for line in ours if line["row"] == row] for row in rows}


def _figures_of(by_row: Mapping[str, Sequence[Line]]) -> dict[str, Any]:
    films = len(next(iter(by_row.values())))
    return {"films": films, "rows": {row: figures(lines) for row, lines in by_row.items()}}


def figures(films: Sequence[Line]) -> dict[str, float]:
    """Means over films; "drift" is what the last windows have more than the first ones."""
    toys = [film for film in films if film["kind"] != "scene"]
    look_drifts = [_look_drift(film) for film in films]
    return {
        "colour error, first windows": _mean(toys, "colour error", slice(0, LAST)),
        "colour error, last windows": _mean(toys, "colour error", slice(-LAST, None)),
        "background error, first windows": _mean(toys, "background error", slice(0, LAST)),
        "background error, last windows": _mean(toys, "background error", slice(-LAST, None)),
        "shape misfit, first windows": _mean(toys, "misfit", slice(0, LAST)),
        "shape misfit, last windows": _mean(toys, "misfit", slice(-LAST, None)),
        "start-to-end RGB distance": float(np.mean([_rgb_distance(film) for film in films])),
        **{f"{name} drift": float(np.mean([abs(drift[name]) for drift in look_drifts])) for name in QUALITIES},
        "all right, all windows": float(np.mean([_right(window) for film in toys for window in film["windows"]])),
        "all right, last windows": float(np.mean([_right(w) for film in toys for w in film["windows"][-LAST:]])),
        "object kept to the end": float(np.mean([film["windows"][-1]["object"] for film in toys])),
        "motion of swinging objects px": float(
            np.mean([w.get("moved", 0.0) for film in toys if film["kind"] == "swing" for w in film["windows"]] or [0.0])
        ),
        "step at joins (1 is none)": float(np.median([step for film in films for step in film["join steps"]])),
        **{f"alike at {apart}": float(np.mean([f["similarity"][apart] for f in films])) for apart in ("2", "10", "50")},
        "CPU seconds per frame": float(np.mean([film["seconds"] / film["frames"] for film in films])),
        "rows per frame": float(np.mean([film["rows"] / film["frames"] for film in films])),
    }


def _mean(films: Sequence[Line], name: str, part: slice) -> float:
    return float(np.mean([w[name] for film in films for w in film["windows"][part] if name in w] or [np.nan]))


def _rgb_distance(film: Line) -> float:
    first, last = (
        np.mean([w["rgb"] for w in film["windows"][part]], axis=0) for part in (slice(0, LAST), slice(-LAST, None))
    )
    return float(np.linalg.norm(last - first)) / 255


def _look_drift(film: Line) -> dict[str, float]:
    first, last = film["windows"][:LAST], film["windows"][-LAST:]
    return {n: float(np.mean([w["look"][n] for w in last]) - np.mean([w["look"][n] for w in first])) for n in QUALITIES}


def _right(window: Line) -> bool:
    return all(window.get(name, False) for name in RIGHT)


def as_markdown(data: Mapping[str, Any]) -> str:
    """One line a figure, one column a row of the benchmark."""
    lines = [
        f"# Drift over {data['windows']} windows",
        "",
        f"{data['machine']}, {data['date']}; errors are RGB distances on the scale 0…1.7, looks on 0…1.",
    ]
    for table in data["tables"]:
        rows = table["rows"]
        lines += ["", f"## {table['films']} films a column", "", "| | " + " | ".join(rows) + " |"]
        lines += ["|---" * (len(rows) + 1) + "|"]
        for name in next(iter(rows.values())):
            lines += ["| " + " | ".join([name, *(f"{rows[row][name]:.4g}" for row in rows)]) + " |"]
    return "\n".join(lines) + "\n"


def curves(by_row: Mapping[str, Sequence[Line]], heading: str) -> Any:
    """Errors and looks by window, a curve for each row, and how alike frames stay."""
    toys = {row: [film for film in films if film["kind"] != "scene"] for row, films in by_row.items()}
    errors = [
        Curve(name, {row: _by_window(films, lambda w, name=name: w.get(name)) for row, films in toys.items()})
        for name in ("colour error", "background error", "misfit")
    ]
    looks = [
        Curve(f"{name} less the first window's", {row: _look_by_window(films, name) for row, films in by_row.items()})
        for name in QUALITIES
    ]
    return plot(heading, [*errors, *looks], ("window 1", f"window {len(next(iter(by_row.values()))[0]['windows'])}"))


def _by_window(films: Sequence[Line], value: Callable[[Line], float | None]) -> list[float]:
    """The mean over films for each window, smoothed over five."""
    count = len(films[0]["windows"])
    means = [
        np.mean([v for film in films if (v := value(film["windows"][at])) is not None] or [0.0]) for at in range(count)
    ]
    return [float(np.mean(means[max(0, at - 2) : at + 3])) for at in range(count)]


def _look_by_window(films: Sequence[Line], name: str) -> list[float]:
    count = len(films[0]["windows"])
    return [
        float(np.mean([film["windows"][at]["look"][name] - film["windows"][0]["look"][name] for film in films]))
        for at in range(count)
    ]


def sheet(by_row: Mapping[str, Sequence[Line]], results: Path) -> None:
    """First, middle and last frame of the first films: a line a film, the rows of the benchmark abreast."""
    lines = []
    for place in range(min(SHEET_FILMS, *(len(films) for films in by_row.values()))):
        pictures = [results / "bench_drift_frames" / picture_name(films[place]) for films in by_row.values()]
        parts = [
            np.pad(np.asarray(Image.open(path)), ((2, 2), (4, 4), (0, 0)), constant_values=255) for path in pictures
        ]
        lines.append(np.concatenate(parts, axis=1))
    Image.fromarray(np.concatenate(lines)).save(results / "bench_drift_sheet.png")


def picture_name(line: Line) -> str:
    """The file of a film's three frames."""
    row = line["row"].replace(" ", "_").replace(",", "")
    return f"{row}_{line['length']}_{line['film']:02}.png"
