"""The list of jobs: only the page around the cursor is in memory, so that 10,000 jobs scroll as ten do."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from skyreels_cli.queue.job import JobSummary
from skyreels_cli.tui.messages import Want
from skyreels_cli.tui.view import View, progress_text
from skyreels_cli.tui.widgets.job_line import column_at, header_line, job_line

MARGIN = 30
"""Jobs that are read above and below what is seen, so that scrolling by a page shows jobs at once."""


class JobTable(ScrollView, can_focus=True):
    """Line 0 is the header; job i of the list is line i + 1. The cursor stays with its job when the order changes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"jobs--{name}" for name in ("header", "cursor", "running", "paused", "failed", "over", "marked")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "The job above", id="previous", show=False),
        Binding("down,j", "step(1)", "The job below", id="next", show=False),
        Binding("pageup", "page(-1)", "A page up", id="page-up", show=False),
        Binding("pagedown", "page(1)", "A page down", id="page-down", show=False),
        Binding("home,g", "go(0)", "The first job", id="top", show=False),
        Binding("end,G", "go(-1)", "The last job", id="bottom", show=False),
        Binding("space", "mark", "Mark", id="mark", tooltip="Mark the job: keys then act on all marked", show=False),
    ]
    cursor: reactive[int] = reactive(0)

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._view = View()
        self._orphans: frozenset[int] = frozenset()
        self._chosen: int | None = None
        self._marked: dict[int, JobSummary] = {}

    @property
    def job(self) -> JobSummary | None:
        """The job under the cursor, if it has been read."""
        return self._at(self.cursor)

    def show(self, view: View) -> None:
        """Draw another reading; the cursor follows its job as far as it is in sight."""
        before, self._view = self._view, view
        self._marked |= {job.id: job for job in view.jobs if job.id in self._marked}
        self._orphans = frozenset(job.id for job in view.jobs if view.is_orphan(job))
        self.virtual_size = Size(self.size.width, view.total + 1)
        places = {job.id: view.wanted.offset + place for place, job in enumerate(view.jobs)}
        place = places.get(self._chosen or 0, self.cursor)
        same_place = place == self.cursor
        self.set_reactive(JobTable.cursor, max(0, min(place, view.total - 1)))
        self._scroll_to_cursor()
        self._choose()
        if same_place and (before.total, before.wanted.offset) == (view.total, view.wanted.offset):
            self._refresh_changed(before, view)
        else:
            self.refresh()

    def _refresh_changed(self, before: View, view: View) -> None:
        """Draw the lines anew that say something else: on a slow line the whole list takes a second."""
        for place, (old, new) in enumerate(zip_longest(before.jobs, view.jobs), view.wanted.offset):
            line = place - round(self.scroll_y) + 1
            if 1 <= line < self.size.height and not _alike(old, new, before, view):
                self.refresh(Region(0, line, self.size.width, 1))

    def watch_cursor(self) -> None:
        """Another line is chosen by the user."""
        self._scroll_to_cursor()
        self._choose()
        self.refresh()

    def action_step(self, by: int) -> None:
        """Move the cursor by lines."""
        self.cursor = self._within(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is seen."""
        self.cursor = self._within(self.cursor + by * max(1, self.size.height - 2))

    def action_go(self, place: int) -> None:
        """Move the cursor to the first job or to the last (-1)."""
        self.cursor = self._within(place if place >= 0 else self._view.total - 1)

    def action_mark(self) -> None:
        """Mark the job under the cursor, or no longer, and go on to the next one."""
        if self.job:
            if self._marked.pop(self.job.id, None) is None:
                self._marked[self.job.id] = self.job
            self.action_step(1)
            self.refresh()

    def unmark(self) -> None:
        """Mark no job any more."""
        self._marked = {}
        self.refresh()

    @property
    def marked_jobs(self) -> list[JobSummary]:
        """The marked jobs in the order in which they were marked, as they were read last."""
        return list(self._marked.values())

    def on_click(self, event: events.Click) -> None:
        """Choose a job by mouse, or sort by a column; a second click on it turns the order round."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y > 0:
            self.cursor = self._within(round(self.scroll_y) + place.y - 1)
            return
        sort, wanted = column_at(place.x, self.size.width).sort, self._view.wanted
        self.post_message(Want(sort=sort, descending=sort == wanted.sort and not wanted.descending, offset=0))

    def on_resize(self) -> None:
        """More or fewer jobs are seen."""
        self._scroll_to_cursor()
        self._choose()

    def render_line(self, y: int) -> Strip:
        """Draw one line of what is seen; the header stays on top."""
        width = self.size.width
        place = round(self.scroll_y) + y - 1
        if y == 0:
            return self._strip(header_line(width), width, self.get_component_rich_style("jobs--header"))
        job = self._at(place)
        if job is None:
            text = " …" if 0 <= place < self._view.total else ""
            return self._strip(text, width, self.get_component_rich_style("jobs--over"))
        marked, where = job.id in self._marked, self._view.place_of(job)
        words = job_line(job, width, time.time(), orphan=job.id in self._orphans, place=where, marked=marked)
        return self._strip(words, width, self._style_of(job, place))

    def _style_of(self, job: JobSummary, place: int) -> Style:
        kinds = {"succeeded": "over", "cancelled": "over", "running": "running", "paused": "paused", "failed": "failed"}
        style = self.get_component_rich_style(f"jobs--{kinds[job.state]}") if job.state in kinds else self.rich_style
        if job.id in self._marked:
            style += self.get_component_rich_style("jobs--marked")
        if place != self.cursor:
            return style
        return style + self.get_component_rich_style("jobs--cursor") + Style(reverse=self.app.no_color, bold=True)

    def _strip(self, text: str, width: int, style: Style) -> Strip:
        fitted = text if cell_len(text) == width else set_cell_size(text, width)
        return Strip([Segment(fitted, style)], width)

    def _at(self, place: int) -> JobSummary | None:
        index = place - self._view.wanted.offset
        return self._view.jobs[index] if 0 <= index < len(self._view.jobs) else None

    def _within(self, place: int) -> int:
        return max(0, min(place, self._view.total - 1))

    def _scroll_to_cursor(self) -> None:
        top, seen = round(self.scroll_y), max(1, self.size.height - 1)
        wanted = min(max(top, self.cursor - seen + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def _choose(self) -> None:
        """Remember the job under the cursor, and ask for the jobs around what is seen."""
        job = self.job
        self._chosen = job.id if job else None
        seen = max(1, self.size.height)
        offset = max(0, round(self.scroll_y) - MARGIN)
        self.post_message(Want(focus=self._chosen, offset=offset, limit=seen + 2 * MARGIN))


def _alike(old: JobSummary | None, new: JobSummary | None, before: View, view: View) -> bool:
    """Whether a job's line is drawn as it was; one that waits for a time is another each second."""
    if old is None or new is None or old.retry_at or new.retry_at:
        return False
    same = old == replace(new, revision=old.revision, steps_done=old.steps_done)
    return same and progress_text(old, 0) == progress_text(new, 0) and before.is_orphan(old) == view.is_orphan(new)
