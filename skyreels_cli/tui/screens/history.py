"""Films that were finished on this machine, and how quickly each model works here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from skyreels_cli.output import byte_size, clock
from skyreels_cli.queue.store import FinishedFilm
from skyreels_cli.tui.messages import Seen, Want
from skyreels_cli.tui.player import play
from skyreels_cli.tui.screens.job import JobScreen
from skyreels_cli.tui.view import View, model_name
from skyreels_cli.tui.widgets.job_line import WIDE

# With widths of their own: measured ones are lost now and then, when rows arrive before the first layout.
COLUMNS = {"finished": 12, "took": 6, "s/step": 6, "film": 60, "frames": 6, "size": 8, "model": 12, "peak": 7, "job": 4}
# What 80 columns leave to the film beside when and how long; the others are reached with the cursor keys.
NARROW_FILM = 44


class HistoryScreen(Screen[Path]):
    """The latest films, and a line per model with its median; dismissed with a film to keep as a preset, or with None.

    The plan's times come from the same record.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,h", "dismiss", "Back"),
        Binding("enter", "details", "Details", id="film-details", tooltip="Recipe, plan and log of the film's job"),
        Binding("o", "open", "Play", id="play", tooltip="Open the film in a player"),
        Binding("m", "preset", "Save as preset", id="film-preset", tooltip="Keep the film's recipe as a preset"),
    ]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._view = View()
        self._films: tuple[FinishedFilm, ...] | None = None

    def compose(self) -> ComposeResult:
        """Lay out both tables."""
        yield Static(id="models")
        yield DataTable(id="films", cursor_type="row", zebra_stripes=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Set up the table."""
        self.query_one("#models").border_title = "this machine's pace"
        table: DataTable[Any] = self.query_one(DataTable)
        table.border_title = "finished films"
        for name, width in COLUMNS.items():
            table.add_column(name, width=NARROW_FILM if name == "film" and self.app.size.width < WIDE else width)
        table.focus()

    def action_preset(self) -> None:
        """Leave with the film under the cursor."""
        if self._film:
            self.dismiss(Path(self._film.output))

    def action_open(self) -> None:
        """Play the film under the cursor."""
        if self._film:
            play(self.app, Path(self._film.output))

    @on(DataTable.RowSelected)
    def action_details(self) -> None:
        """Open the film's job; of one that has been removed what the history knows."""
        if film := self._film:
            log = self._folder / "logs" / f"{film.job}.log"
            kept = list(zip(COLUMNS, (" ".join(cell.split()) for cell in _row(film)), strict=True))
            screen = JobScreen(film.job, log, self._view, [*kept, ("file", film.output)])
            self.app.push_screen(screen, self._close_details)
            self.post_message(Want(detail=film.job))

    def _close_details(self, _: None) -> None:
        self.post_message(Want(detail=None))

    @property
    def _film(self) -> FinishedFilm | None:
        """The film under the cursor."""
        return self._films[self.query_one(DataTable).cursor_row] if self._films else None

    @on(Seen)
    def take(self, message: Seen) -> None:
        """Show what the watcher has read."""
        seen = message.seen
        if isinstance(seen, View):
            self._view = seen
        if isinstance(seen, View) and seen.wanted.history and seen.history != self._films:
            self._films = seen.history
            lines = "\n".join(_paces(seen.history)) or "no film has been finished yet"
            self.query_one("#models", Static).update(lines)
            table: DataTable[Any] = self.query_one(DataTable)
            table.clear()
            table.add_rows(_row(film) for film in seen.history)


def _row(film: FinishedFilm) -> tuple[str, ...]:
    when = datetime.fromtimestamp(film.finished_at)  # noqa: DTZ006 - people read it here
    step = f"{film.step_seconds:.3g}" if film.step_seconds else "–"
    head = (f"{when:%d %b %H:%M}", clock(film.elapsed_s), step, " ".join(film.prompt.split()))
    facts = (str(film.frames), film.resolution, model_name(film.model), byte_size(film.peak_memory_bytes))
    return (*head, *facts, str(film.job))


def _paces(films: Sequence[FinishedFilm]) -> Iterator[str]:
    """`df-1.3b-540p bfloat16 960x544: 14 films, 1.02 s/step, 3:20 a film (median)`."""
    groups: dict[tuple[str, str, str], list[FinishedFilm]] = {}
    for film in films:
        groups.setdefault((model_name(film.model), film.dtype, film.resolution), []).append(film)
    for name, group in groups.items():
        steps = [film.step_seconds for film in group if film.step_seconds]
        pace = f"{median(steps):.3g} s/step, " if steps else ""
        count = f"{len(group)} film{'s' if len(group) > 1 else ''}"
        yield f"{' '.join(name)}: {count}, {pace}{clock(median(film.elapsed_s for film in group))} a film (median)"
