"""The tables, the curves and the contact sheet of `bench_drift`, from the lines that it has written."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skyreels_cli.media.plot import SHADES, Curve, plot

Line = Mapping[str, Any]
LAST = 3
"""Windows at each end of a film that are compared."""
RIGHT = ("background", "count", "object", "colour", "shape")
RIGHT_LAST = "all right, last windows"
ERRORS, ENDS = ("colour error", "background error", "misfit"), ("first", "last")
QUALITIES = ("luma", "saturation", "contrast", "sharpness")
SHEET_FILMS = 8
HALVED = ("colour error, growth", "background error, growth", "start-to-end RGB distance", "extra step at joins")
LEAST_DRIFT = 0.002
"""What the reference's join must lose at the least, so that half of it means anything."""
MOST_LOST = 0.02
"""The goal against the reference's join: `HALVED` at most half, no more time, and so much less of the windows right."""
UNKNOWN = float("nan")
SECONDS = "CPU seconds per frame"
GROUPS = {
    "What is shown against what was asked for": (
        *(f"{name}, {when} windows" for name in ERRORS for when in ENDS),
        "all right, all windows",
        RIGHT_LAST,
        "object kept to the end",
        "motion of swinging objects px",
    ),
    "How the ends differ": ("start-to-end RGB distance", *(f"{name} drift" for name in QUALITIES)),
    "Joins (1 is none), how alike frames are, and cost": (
        "step at joins",
        "step between other latents",
        *(f"alike at {apart}" for apart in (2, 5, 10, 20, 50)),
        SECONDS,
        "rows per frame",
    ),
}
COMPARED = (*HALVED, "misfit, growth", RIGHT_LAST, "motion of swinging objects px")
"""Figures that are told, by table, and those of which differences are; bench_drift.json has all of them."""


def report(lines: Sequence[Line], rows: Sequence[str], results: Path) -> None:
    """Write bench_drift.json, .md and .png; the longest films come first, and what a row is compared with is `rows[0]`.

    Rows have different numbers of films: they are compared with the first row on the films that both have.
    """
    moving = {row: [line["right"] for line in lines if line["row"] == row and line.get("moves")] for row in rows}
    lines = [line for line in lines if not line.get("moves")]
    times = {row: _seconds(lines, row) for row in rows}
    lengths = sorted({line["length"] for line in lines}, reverse=True)
    tables = [_table([line for line in lines if line["length"] == length], times, length) for length in lengths]
    machine = {"machine": f"{os.cpu_count()} cores, {platform.platform()}", "date": str(datetime.now(UTC).date())}
    moved = {row: {"films": len(right), "right": sum(right)} for row, right in moving.items() if right}
    data = {"tables": tables, "moving": moved, **machine}
    (results / "bench_drift.json").write_text(json.dumps(data, indent=1).replace("NaN", "null") + "\n")
    (results / "bench_drift.md").write_text(as_markdown(data))
    longest = [line for line in lines if line["length"] == lengths[0]]
    Image.fromarray(curves(longest, rows)).save(results / "bench_drift.png")
    print(as_markdown(data))


def _seconds(lines: Sequence[Line], row: str) -> dict[tuple[int, int], float]:
    """CPU seconds a frame by film and length, of the commit that made the last line: others are not compared."""
    newest = [line for line in lines if line["row"] == row and line.get("code") == lines[-1].get("code")]
    return {(line["film"], line["length"]): line["seconds"] / line["frames"] for line in newest}


def _times(ours: Mapping[Any, float], theirs: Mapping[Any, float]) -> float:
    """What a row takes for each second of another, on films of both."""
    shared = ours.keys() & theirs.keys()
    mine, reference = (_mean(seconds[film] for film in shared) for seconds in (ours, theirs))
    return mine / reference


def _table(lines: Sequence[Line], times: Mapping[str, Mapping[Any, float]], length: int) -> dict[str, Any]:
    """Means of each row over its films, and how it differs from the first row on the films that both have."""
    films = {row: {line["film"]: figures(line) for line in lines if line["row"] == row} for row in times}
    there = {row: by_film for row, by_film in films.items() if by_film}
    first, *others = there
    return {
        "windows": length,
        "compared with": first,
        "rows": {
            row: _means(list(films.values())) | {SECONDS: _mean(times[row].values())} for row, films in there.items()
        },
        "differences": {row: _paired(there[row], there[first]) for row in others},
        "goals": {row: _goals(there[row], there[first], _times(times[row], times[first])) for row in others},
    }


def _means(films: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {"films": len(films)} | {name: _mean(film[name] for film in films) for name in films[0]}


def _paired(ours: Mapping[int, Mapping[str, float]], theirs: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    """For each figure the mean difference and its standard error."""
    shared = sorted(ours.keys() & theirs.keys())
    told: dict[str, Any] = {"films": len(shared)}
    for name in next(iter(ours.values())):
        values = np.array([ours[film][name] - theirs[film][name] for film in shared])
        known = values[~np.isnan(values)]
        error = float(known.std(ddof=1) / len(known) ** 0.5) if len(known) > 1 else UNKNOWN
        told[name] = (_mean(known), error)
    return told


def _goals(
    ours: Mapping[int, Mapping[str, float]], theirs: Mapping[int, Mapping[str, float]], time: float
) -> dict[str, Any]:
    """Ratios of means on shared films, which shall be at most 1/2, of times, and the difference of what is right."""
    shared = sorted(ours.keys() & theirs.keys())

    def ratio(name: str) -> float:
        mine, reference = (_mean(films[film][name] for film in shared) for films in (ours, theirs))
        return mine / reference if reference > LEAST_DRIFT else UNKNOWN

    ratios = {name: ratio(name) for name in HALVED}
    right = _mean(ours[film][RIGHT_LAST] - theirs[film][RIGHT_LAST] for film in shared)
    met = all(value <= 0.5 for value in ratios.values()) and time <= 1 and right >= -MOST_LOST
    costs = {SECONDS: time, "rows per frame": ratio("rows per frame")}
    return {"films": len(shared), **ratios, **costs, RIGHT_LAST: right, "met": met}


def figures(film: Line) -> dict[str, float]:
    """One film in numbers; "drift" is what the last windows have more than the first ones. NaN: it has none."""
    windows = film["windows"]
    first, last, toy = windows[:LAST], windows[-LAST:], film["kind"] != "scene"
    drift = {name: _mean(_look(last, name)) - _mean(_look(first, name)) for name in QUALITIES}
    joins, between = (float(np.median(film.get(name) or [UNKNOWN])) for name in ("join steps", "latent steps"))
    moved = [window.get("moved", 0.0) for window in windows] if film["kind"] == "swing" else []
    errors = {name: [_mean(w[name] for w in part if name in w) for part in (first, last)] for name in ERRORS}
    return {
        **{f"{name}, {when} windows": value[end] for name, value in errors.items() for end, when in enumerate(ENDS)},
        **{f"{name}, growth": value[1] - value[0] for name, value in errors.items()},
        "start-to-end RGB distance": _rgb_distance(first, last),
        **{f"{name} drift": abs(drift[name]) for name in QUALITIES},
        "all right, all windows": _mean(_right(window) for window in windows) if toy else UNKNOWN,
        RIGHT_LAST: _mean(_right(window) for window in last) if toy else UNKNOWN,
        "object kept to the end": float(windows[-1]["object"]) if toy else UNKNOWN,
        "motion of swinging objects px": _mean(moved),
        "step at joins": joins,
        "step between other latents": between,
        "extra step at joins": joins - between,
        **{f"alike at {apart}": film["similarity"][apart] for apart in ("2", "5", "10", "20", "50")},
        "rows per frame": film["rows"] / film["frames"],
    }


def _mean(values: Any) -> float:
    known = [float(value) for value in values if not isnan(value)]
    return float(np.mean(known)) if known else UNKNOWN


def _look(windows: Sequence[Line], name: str) -> Iterator[float]:
    return (window["look"][name] for window in windows)


def _rgb_distance(first: Sequence[Line], last: Sequence[Line]) -> float:
    begins, ends = (np.mean([window["rgb"] for window in part], axis=0) for part in (first, last))
    return float(np.linalg.norm(ends - begins)) / 255


def _right(window: Line) -> bool:
    return all(window.get(name, False) for name in RIGHT)


def as_markdown(data: Mapping[str, Any]) -> str:
    """For each length of film: the rows against the goal, their means, and what they have more than the first one."""
    lines = [
        "# Drift of long films",
        "",
        f"{data['machine']}, {data['date']}; errors are RGB distances on the scale 0…1.7, looks on 0…1.",
    ]
    for table in data["tables"]:
        rows, differences, first = table["rows"], table["differences"], table["compared with"]
        lines += ["", f"## {table['windows']} windows"]
        if differences:
            lines += ["", f"Times {first} on the same films; what is right: more or less than it.", ""]
            lines += [
                f"The goal: the first {len(HALVED)} at most 0.5, no more time, no more than {MOST_LOST:g} less right."
            ]
            lines += _as_table(_goal_names(table), table["goals"], lambda goal, name: _told_goal(goal[name], name))
        for title, names in GROUPS.items():
            lines += ["", f"{title}:"]
            lines += _as_table(("films", *names), rows, lambda row, name: _number(row[name]))
        if differences:
            lines += ["", f"Less {first} on the same films (± standard error):"]
            lines += _as_table(("films", *COMPARED), differences, lambda row, name: _difference(row[name]))
    lines += ["", "## What comes to an end", "", "Films in which something crosses the picture, grows, shrinks or is"]
    lines += ["panned over or zoomed at, for three windows; right in all that was asked for:"]
    lines += _as_table(("films", "right"), data["moving"], lambda row, name: str(row[name]))
    return "\n".join(lines) + "\n"


def _as_table(names: Sequence[str], rows: Mapping[str, Any], cell: Callable[[Any, str], str]) -> list[str]:
    """A line for each row of the benchmark, a column for each name."""
    head = ["", "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    return head + [
        f"| {row} | " + " | ".join(cell(values, name) for name in names) + " |" for row, values in rows.items()
    ]


def _goal_names(table: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(next(iter(table["goals"].values())))


def _told_goal(value: Any, name: str) -> str:
    if name == "met":
        return "yes" if value else "no"
    return f"{value:+.2f}" if name == RIGHT_LAST and not isnan(value) else _number(value)


def _number(value: float) -> str:
    return "–" if isnan(value) else f"{value:.3g}"


def _difference(told: Any) -> str:
    if isinstance(told, int):
        return str(told)
    value, error = told
    if isnan(value):
        return "–"
    return f"{value:+.2g}" + ("" if isnan(error) else f" ± {error:.1g}")


def curves(lines: Sequence[Line], rows: Sequence[str]) -> Any:
    """Errors and looks by window, a curve for each row that has most films, on the films that these share."""
    films = {row: {line["film"]: line for line in lines if line["row"] == row} for row in rows}
    most = max(len(by_film) for by_film in films.values())
    chosen = [row for row in rows if 2 * len(films[row]) > most][: len(SHADES)]
    shared = set.intersection(*(set(films[row]) for row in chosen))
    by_row = {row: [films[row][film] for film in sorted(shared)] for row in chosen}
    toys = {row: [film for film in of_row if film["kind"] != "scene"] for row, of_row in by_row.items()}
    errors = [
        Curve(name, {row: _by_window(films, lambda w, name=name: w.get(name)) for row, films in toys.items()})
        for name in ERRORS
    ]
    looks = [
        Curve(f"{name} less the first window's", {row: _look_by_window(films, name) for row, films in by_row.items()})
        for name in QUALITIES
    ]
    length = lines[0]["length"]
    return plot(f"{len(shared)} films of {length} windows", [*errors, *looks], ("window 1", f"window {length}"))


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


def draw_sheet(lines: Sequence[Line], rows: Sequence[str], length: int, pictures: Path, output: Path) -> None:
    """First, middle and last frame of the first films that all rows have: a line a film, the rows abreast."""
    films = [{line["film"] for line in lines if line["row"] == row and line["length"] == length} for row in rows]
    drawn = []
    for film in sorted(set.intersection(*films))[:SHEET_FILMS]:
        names = [picture_name(row, {"length": length, "film": film}) for row in rows]
        parts = [np.asarray(Image.open(pictures / name)) for name in names]
        drawn.append(
            np.concatenate([np.pad(part, ((2, 2), (4, 4), (0, 0)), constant_values=255) for part in parts], axis=1)
        )
    Image.fromarray(np.concatenate(drawn)).save(output, optimize=True)


def picture_name(row: str, line: Line) -> str:
    """The file of a film's three frames."""
    return f"{row.replace(' ', '_').replace(',', '')}_{line['length']}_{line['film']:02}.png"
