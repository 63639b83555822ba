"""One job as one line, for as many columns as there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from rich.cells import set_cell_size

from skyreels_cli.queue.job import JobSummary
from skyreels_cli.queue.store import Sort
from skyreels_cli.tui.view import model_name, progress_text

# A sign beside the word: states are told apart without colours.
SIGNS = {"queued": "·", "running": "▶", "paused": "‖", "succeeded": "✓", "failed": "✗", "cancelled": "–"}
MARK = "●"
WIDE = 110


class Column(NamedTuple):
    """A title, the cells that it takes, the order in which a click on it sorts, and whether numbers stand in it."""

    title: str
    width: int
    sort: Sort
    right: bool = False


NARROW_COLUMNS = (
    Column("job", 6, "id", right=True),
    Column("state", 11, "queue"),
    Column("progress", 12, "queue"),
    Column("prio", 4, "queue", right=True),
    Column("frames", 6, "frames", right=True),
)
WIDE_COLUMNS = (Column("model", 14, "model"), Column("size", 9, "model"), Column("when", 9, "finished"))
FILM = Column(" film", 80, "prompt")


def job_line(
    job: JobSummary,
    width: int,
    now: float,
    *,
    orphan: bool,
    place: Mapping[str, str] | None = None,
    marked: bool = False,
) -> str:
    """The columns of `header_line`; a job whose worker died says so, and one on another machine where it is."""
    sign = "queued" if place and place["state"] == "waiting" else job.state
    state = "lost" if orphan else sign
    cells = [
        f"{MARK if marked else ' '}{job.id:>5}",
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


def columns_of(width: int) -> tuple[Column, ...]:
    """The columns for which there is room."""
    return (*NARROW_COLUMNS, *(WIDE_COLUMNS if width >= WIDE else ()), FILM)


def header_line(width: int) -> str:
    """Titles of the columns."""
    titles = (f"{column.title:{'>' if column.right else '<'}{column.width}}" for column in columns_of(width))
    return " ".join(titles).rstrip()


def column_at(place: int, width: int) -> Column:
    """The column to which a cell of the header belongs."""
    columns = columns_of(width)
    for column in columns:
        place -= column.width + 1
        if place < 0:
            return column
    return columns[-1]


def _cell(text: str, width: int) -> str:
    return set_cell_size(text, width)
