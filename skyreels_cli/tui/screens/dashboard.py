"""The first screen: devices, the film now, the queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue.job import JobSummary
from skyreels_cli.tui.deeds import DEEDS, Deed
from skyreels_cli.tui.drawing import Frame
from skyreels_cli.tui.frame import last_frame, open_outside, preview_of
from skyreels_cli.tui.screens.confirm import Confirm
from skyreels_cli.tui.screens.form import JobForm
from skyreels_cli.tui.screens.job import JobScreen
from skyreels_cli.tui.view import FILTERS, SORTS, Seen, View
from skyreels_cli.tui.widgets.device_panel import DevicePanel
from skyreels_cli.tui.widgets.film_panel import FilmPanel
from skyreels_cli.tui.widgets.job_table import JobTable
from skyreels_cli.tui.widgets.picture import Picture
from skyreels_cli.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from skyreels_cli.tui.app import Monitor

_BY_NAME = {deed.name: deed for deed in DEEDS}


class Dashboard(Screen[None]):
    """Hands what was read to the widgets, and keys to the queue."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "details", "Details", id="details", tooltip="Recipe, plan, log and error of the job"),
        Binding("n", "new", "New", id="new", tooltip="Add a film to the queue"),
        Binding("e", "edit", "Edit", id="edit", tooltip="Change the job's recipe"),
        *(Binding(d.keys, f"deed('{d.name}')", d.label, id=d.name, tooltip=d.help, show=d.in_footer) for d in DEEDS),
        Binding("o", "open", "Open", id="open", tooltip="Open the film in a player", show=False),
        Binding("slash", "filter", "Filter", id="filter", tooltip="Show jobs that contain some words", key_display="/"),
        Binding("f", "states", "Which states", id="states", tooltip="Show all, to do, failed or done", show=False),
        Binding("s", "sort", "Sort", id="sort", tooltip="Sort by the next column", show=False),
        Binding("S", "reverse", "Reverse", id="reverse", tooltip="Sort the other way round", show=False),
        Binding("escape", "unfilter", "Show all again", id="unfilter", show=False),
    ]

    class FrameRead(Message):
        """The newest frame of the film at hand."""

        def __init__(self, frame: Frame | None) -> None:
            super().__init__()
            self.frame = frame

    def __init__(self, monitor: Monitor) -> None:
        super().__init__()
        self._monitor = monitor
        self._pictured: tuple[object, ...] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the panels."""
        yield StatusLine()
        yield DevicePanel("devices")
        with Horizontal(id="film-row"):
            yield FilmPanel("film")
            yield Picture(self._monitor.graphics, "picture")
        yield Input(placeholder="words in prompt, model or file name; Enter keeps, Esc clears", id="words")
        yield JobTable("jobs")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.query_one("#words").display = False
        self.query_one(JobTable).focus()

    @on(Seen)
    def take(self, message: Seen) -> None:
        """Show what the watcher has read."""
        seen = message.seen
        if isinstance(seen, SkyreelsError):
            self.query_one(StatusLine).show_trouble(seen)
        elif isinstance(seen, View):
            self._show(seen)
        else:
            self.query_one(DevicePanel).take(seen)

    def _show(self, view: View) -> None:
        self.query_one(StatusLine).show(view)
        self.query_one(DevicePanel).show(view)
        self.query_one(FilmPanel).show(view)
        self.query_one("#film-row").set_class(view.film is None, "-idle")
        table, wanted = self.query_one(JobTable), view.wanted
        table.show(view)
        words = f' with "{wanted.text}"' if wanted.text else ""
        order = "" if wanted.sort == "queue" and not wanted.descending else f" by {wanted.sort}"
        table.border_title = f"{wanted.states}{words}: {view.total:,}{order}{' ↓' if wanted.descending else ''}"
        self._picture(view)

    def _picture(self, view: View) -> None:
        """Read the preview again when it was written anew."""
        preview = preview_of(view.film.output_path) if view.film else None
        if preview != self._pictured:
            self._pictured = preview
            self._read_frame(preview)

    @work(thread=True, exclusive=True, group="frame", exit_on_error=False)
    def _read_frame(self, preview: tuple[Any, float] | None) -> None:
        self.post_message(self.FrameRead(last_frame(preview[0]) if preview else None))

    @on(FrameRead)
    def show_frame(self, message: FrameRead) -> None:
        """Put the frame beside the film's facts."""
        self.query_one(Picture).show(message.frame)
        self.query_one(Picture).set_class(message.frame is not None, "-there")

    @on(JobTable.Moved)
    def read_more(self, message: JobTable.Moved) -> None:
        """Have the jobs around the cursor read."""
        self._monitor.watcher.want(focus=message.focus, offset=message.offset, limit=message.limit)

    def action_deed(self, name: str) -> None:
        """Do something to the job under the cursor, after asking where it cannot be undone."""
        job, deed = self._selected, _BY_NAME[name]
        if job is None:
            return
        if not deed.suits(job):
            states = " or ".join(deed.states)
            self.notify(f"job {job.id} is {job.state}: {deed.label.lower()} is for {states}", timeout=3)
        elif deed.asks:
            question = Confirm(deed.asks.format(job.id), deed.label)
            self.app.push_screen(question, lambda yes: self._do(deed, job, sure=bool(yes)))
        else:
            self._do(deed, job, sure=True)

    def _do(self, deed: Deed, job: JobSummary, *, sure: bool) -> None:
        if sure:
            self._monitor.do(lambda store: deed.do(store, job))

    def action_details(self) -> None:
        """Open the job under the cursor."""
        if self._selected:
            self.app.push_screen(JobScreen(self._monitor, self._selected.id))

    def action_new(self) -> None:
        """Fill in a form for a new job."""
        self.app.push_screen(JobForm(self._monitor))

    def action_edit(self) -> None:
        """Fill in a form for the job under the cursor."""
        job = self._selected
        if job and job.state in ("running", "succeeded"):
            self.notify(f"job {job.id} is {job.state}: pause or duplicate it (p, d), then edit", timeout=4)
        elif job:
            self.app.push_screen(JobForm(self._monitor, job.id))

    def action_open(self) -> None:
        """Play the film, or what is there of it; without a desktop its name goes to the clipboard."""
        preview = preview_of(Path(self._selected.output)) if self._selected else None
        if preview is None:
            self.notify("there is nothing to see of this job yet", timeout=3)
        elif not open_outside(preview[0]):
            self.app.copy_to_clipboard(str(preview[0]))
            self.notify(f"no desktop here; copied to the clipboard: {preview[0]}", markup=False)

    def action_filter(self) -> None:
        """Ask for words."""
        words = self.query_one("#words", Input)
        words.display = True
        words.focus()

    def action_unfilter(self) -> None:
        """Show everything again, in the queue's order."""
        self.query_one("#words", Input).value = ""
        self._close_filter()
        self._monitor.watcher.want(text="", states="all", sort="queue", descending=False, offset=0)

    def action_states(self) -> None:
        """Show the next group of states."""
        names = list(FILTERS)
        wanted = self._monitor.view.wanted.states
        self._monitor.watcher.want(states=names[(names.index(wanted) + 1) % len(names)], offset=0)

    def action_sort(self) -> None:
        """Sort by the next thing."""
        place = SORTS.index(self._monitor.view.wanted.sort)
        self._monitor.watcher.want(sort=SORTS[(place + 1) % len(SORTS)], offset=0)

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._monitor.watcher.want(descending=not self._monitor.view.wanted.descending, offset=0)

    @on(Input.Changed, "#words")
    def narrow(self, event: Input.Changed) -> None:
        """Filter while words are typed."""
        self._monitor.watcher.want(text=event.value, offset=0)

    @on(Input.Submitted, "#words")
    def _close_filter(self) -> None:
        self.query_one("#words", Input).display = False
        self.query_one(JobTable).focus()

    @property
    def _selected(self) -> JobSummary | None:
        return self.query_one(JobTable).job
