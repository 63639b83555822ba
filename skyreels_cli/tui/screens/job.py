"""One job: its state, its recipe, its plan, the end of its log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static, TabbedContent, TabPane

from skyreels_cli.output import byte_size, clock
from skyreels_cli.plan.dry_run import count_windows
from skyreels_cli.queue.degrade import describe
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import last_lines
from skyreels_cli.tui.messages import Seen
from skyreels_cli.tui.plan_text import plan_lines
from skyreels_cli.tui.view import View
from skyreels_cli.tui.widgets.job_line import model_name

PAGES = ("facts", "recipe", "plan", "log")
LOG_LINES = 500
LOG_SECONDS = 1.0


class JobScreen(Screen[None]):
    """Four pages about a job, kept up to date while it is rendered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Back"),
        *(Binding(str(number), f"page('{name}')", name.title()) for number, name in enumerate(PAGES, 1)),
    ]

    def __init__(self, number: int, log: Path) -> None:
        super().__init__()
        self._number = number
        self._log_path = log
        self._log_mark = 0.0

    def compose(self) -> ComposeResult:
        """Lay out the pages."""
        with TabbedContent():
            for name in PAGES:
                with TabPane(name, id=name), VerticalScroll():
                    yield Static(id=f"{name}-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to follow the log."""
        self.title = f"job {self._number}"
        self._read_log()
        self.set_interval(LOG_SECONDS, self._read_log)

    @on(Seen)
    def take(self, message: Seen) -> None:
        """Show what the watcher has read."""
        seen = message.seen
        if not isinstance(seen, View) or seen.wanted.detail != self._number:
            return
        if seen.detail is None:
            self._write("facts", Content(f"job {self._number} has been removed"))
            return
        job = seen.detail
        self._write("facts", Content("\n").join(_fact(*fact) for fact in _facts(job)))
        self._write("recipe", Content("\n").join(_fact(name, str(value)) for name, value in job.recipe.items()))
        self._write("plan", Content("\n".join(plan_lines(job.plan))))

    def action_page(self, name: str) -> None:
        """Turn to a page."""
        self.query_one(TabbedContent).active = name
        self.query_one(f"#{name} VerticalScroll").focus()

    @work(thread=True, exclusive=True, group="log", exit_on_error=False)
    def _read_log(self) -> None:
        try:
            mark = self._log_path.stat().st_mtime
        except OSError:
            mark = -1.0
        if mark != self._log_mark:
            self._log_mark = mark
            lines = last_lines(self._log_path, LOG_LINES)
            self.app.call_from_thread(self._show_log, lines)

    def _show_log(self, lines: list[str]) -> None:
        self._write("log", Content("\n".join(lines) or f"nothing in {self._log_path} yet"))
        self.query_one("#log VerticalScroll", VerticalScroll).scroll_end(animate=False)

    def _write(self, page: str, text: Content) -> None:
        self.query_one(f"#{page}-text", Static).update(text)


def _fact(name: str, value: str) -> Content:
    styles = {"error": "$text-error", "try": "$text-accent", "less memory": "$text-warning"}
    return Content.assemble((f"{name:<20} ", "$foreground-muted"), (value, styles.get(name, "")))


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    yield "job", f"{job.id}, {job.state}" + (f", {job.request} asked" if job.request else "")
    if job.error:
        yield "error", f"{job.error['message']} ({job.error['code']})"
    if job.error and job.error.get("hint"):
        yield "try", str(job.error["hint"])
    yield "prompt", job.prompt
    yield "film", job.output
    yield "model", model_name(job.model)
    yield "steps", f"{job.steps_done} of {job.total_steps}, {count_windows(job.plan)} windows"
    yield "attempts", f"{job.attempts} of {job.max_attempts} without getting further"
    yield "priority", str(job.priority)
    for step in job.degradations:
        yield "less memory", f"{describe(step)} after: {step.get('reason', 'out of memory')}"
    times = (("added", job.created_at), ("started", job.started_at), ("ended", job.finished_at))
    yield from ((name, f"{datetime.fromtimestamp(at):%d %b %Y %H:%M:%S}") for name, at in times if at)  # noqa: DTZ006
    if job.result:
        yield "rendered in", clock(job.result["elapsed_s"])
        yield "peak memory", byte_size(job.result["peak_memory_bytes"])
    yield from ((name, str(value)) for name, value in job.placement.items())
