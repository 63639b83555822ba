"""The first screen: devices, the running film, the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.index.frames import last_frame, preview_of
from skyreels_cli.media.reader import Frame
from skyreels_cli.queue.job import JobSummary
from skyreels_cli.tui.graphics import Graphics
from skyreels_cli.tui.job_actions import JOB_ACTIONS
from skyreels_cli.tui.messages import Seen, Want
from skyreels_cli.tui.player import play
from skyreels_cli.tui.view import FILTERS, SORTS, View, Wanted
from skyreels_cli.tui.widgets.detail_pane import DetailPane
from skyreels_cli.tui.widgets.device_panel import DevicePanel
from skyreels_cli.tui.widgets.film_panel import FilmPanel
from skyreels_cli.tui.widgets.job_table import JobTable
from skyreels_cli.tui.widgets.picture import Picture
from skyreels_cli.tui.widgets.status_line import StatusLine

# From so many columns and lines on the job under the cursor is shown beside the list.
DETAIL_WIDTH, DETAIL_HEIGHT = 150, 34


class Dashboard(Screen[None]):
    """Shows the queue; actions that open a screen or write to the store are the app's (`app.…`)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "app.details", "Details", id="details", tooltip="Recipe, plan, log and error of the job"),
        Binding("n", "app.new", "New", id="new", tooltip="Add a film to the queue"),
        Binding("e", "app.edit", "Edit", id="edit", tooltip="Change the job's recipe"),
        *(
            Binding(act.keys, f"app.job('{act.name}')", act.label, id=act.name, tooltip=act.help, show=act.in_footer)
            for act in JOB_ACTIONS.values()
        ),
        Binding("o", "open", "Open", id="open", tooltip="Open the film in a player", show=False),
        Binding("slash", "filter", "Filter", id="filter", tooltip="Show jobs that contain some words", key_display="/"),
        Binding("f", "states", "Which states", id="states", tooltip="Show all, to do, failed or done", show=False),
        Binding("s", "sort", "Sort", id="sort", tooltip="Sort by the next column", show=False),
        Binding("S", "reverse", "Reverse", id="reverse", tooltip="Sort the other way round", show=False),
        Binding("escape", "unfilter", "Show all again", id="unfilter", tooltip="Unmark, or show all", show=False),
        Binding("comma", "frame(-1)", "The frame before", id="frame-before", show=False),
        Binding("full_stop", "frame(1)", "The next frame", id="frame-after", show=False),
    ]

    class FrameRead(Message):
        """The newest frame of the film at hand."""

        def __init__(self, frame: Frame | None) -> None:
            super().__init__()
            self.frame = frame

    def __init__(self, folder: Path, graphics: Graphics | None = None, *, slow: bool = False) -> None:
        super().__init__()
        self._folder = folder
        self._graphics = graphics
        self._slow = slow
        self._wanted = Wanted()
        self._pictured: tuple[object, ...] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the panels."""
        yield StatusLine()
        with Horizontal():
            with Vertical(id="queue"):
                yield DevicePanel("devices")
                with Horizontal(id="film-row"):
                    yield FilmPanel("film")
                    yield Picture(self._graphics, "picture")
                yield Input(placeholder="words in prompt, model or file name; Enter keeps, Esc clears", id="words")
                yield JobTable("jobs")
            yield DetailPane(self._folder, self._graphics, "detail")
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
        self._wanted = wanted
        table.show(view)
        if self._has_detail:
            self.query_one(DetailPane).show(view)
        if self._has_detail and self.is_current:
            self.post_message(Want(detail=table.job.id if table.job else None))
        words = f' with "{wanted.text}"' if wanted.text else ""
        order = "" if wanted.sort == "queue" and not wanted.descending else f" by {wanted.sort}"
        title = f"{wanted.states}{words}: {view.total:,}{order}{' ↓' if wanted.descending else ''}"
        if title != table.border_title:  # a title draws the whole list anew
            table.border_title = title
        self._picture(view)

    def _picture(self, view: View) -> None:
        """Read the preview again when it was written anew."""
        preview = preview_of(view.film.output_path) if view.film and not self._slow else None
        if preview != self._pictured:
            self._pictured = preview
            self._read_frame(preview)

    @work(thread=True, exclusive=True, group="frame", exit_on_error=False)
    def _read_frame(self, preview: tuple[Any, float] | None) -> None:
        self.post_message(self.FrameRead(last_frame(preview[0]) if preview else None))

    @on(FrameRead)
    def show_frame(self, message: FrameRead) -> None:
        """Put the frame beside the film's facts."""
        picture = self.query_one("#picture", Picture)
        picture.show(message.frame)
        picture.set_class(message.frame is not None, "-there")

    def action_open(self) -> None:
        """Play the film, or what is there of it; without a desktop its name goes to the clipboard."""
        if self.selected:
            play(self.app, Path(self.selected.output))

    def action_filter(self) -> None:
        """Ask for words."""
        words = self.query_one("#words", Input)
        words.display = True
        words.focus()

    def action_frame(self, by: int) -> None:
        """Show another frame of the finished film under the cursor."""
        if self._has_detail:
            self.query_one(DetailPane).step(by)

    @property
    def _has_detail(self) -> bool:
        """Whether there is room for more than the list, and nobody minds what it sends."""
        return self.size.width >= DETAIL_WIDTH and self.size.height >= DETAIL_HEIGHT and not self._slow

    def on_resize(self) -> None:
        """Show the pane where there is room for it."""
        self.query_one(DetailPane).display = self._has_detail

    def action_unfilter(self) -> None:
        """Unmark what is marked; else show everything again, in the queue's order."""
        table = self.query_one(JobTable)
        if table.marked_jobs:
            table.unmark()
            return
        self.query_one("#words", Input).value = ""
        self._close_filter()
        self.post_message(Want(text="", states="all", sort="queue", descending=False, offset=0))

    def action_states(self) -> None:
        """Show the next group of states."""
        names = list(FILTERS)
        wanted = self._wanted.states
        self.post_message(Want(states=names[(names.index(wanted) + 1) % len(names)], offset=0))

    def action_sort(self) -> None:
        """Sort by the next thing."""
        place = SORTS.index(self._wanted.sort)
        self.post_message(Want(sort=SORTS[(place + 1) % len(SORTS)], offset=0))

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.post_message(Want(descending=not self._wanted.descending, offset=0))

    @on(Input.Changed, "#words")
    def narrow(self, event: Input.Changed) -> None:
        """Filter while words are typed."""
        self.post_message(Want(text=event.value, offset=0))

    @on(Input.Submitted, "#words")
    def _close_filter(self) -> None:
        self.query_one("#words", Input).display = False
        self.query_one(JobTable).focus()

    @property
    def selected(self) -> JobSummary | None:
        """The job under the cursor."""
        return self.query_one(JobTable).job

    @property
    def chosen(self) -> list[JobSummary]:
        """The marked jobs in the order in which they were marked, else the one under the cursor."""
        table = self.query_one(JobTable)
        return table.marked_jobs or ([table.job] if table.job else [])
