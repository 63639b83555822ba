"""The end of a job's log, followed while it grows."""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from skyreels_cli.queue.logs import last_lines

LOG_LINES = 500
LOG_SECONDS = 1.0


class LogTail(VerticalScroll):
    """Looks at the log every `seconds`, in a thread, and scrolls to its end when there is more."""

    def __init__(self, path: Path | None = None, seconds: float = LOG_SECONDS, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._path = path
        self._seconds = seconds
        self._mark: tuple[Path | None, float] = (None, 0.0)

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static()

    def on_mount(self) -> None:
        """Begin to follow."""
        self._look()
        self.set_interval(self._seconds, self._look)

    def follow(self, path: Path | None) -> None:
        """Follow another log, or none."""
        if path != self._path:
            self._path = path
            self._look()

    def _look(self) -> None:
        if self._path and self.display and self.region:
            self._read(self._path)

    @work(thread=True, exclusive=True, group="log", exit_on_error=False)
    def _read(self, path: Path) -> None:
        try:
            mark = (path, path.stat().st_mtime)
        except OSError:
            mark = (path, -1.0)
        if mark != self._mark:
            self._mark = mark
            self.app.call_from_thread(self._show, last_lines(path, LOG_LINES))

    def _show(self, lines: list[str]) -> None:
        self.query_one(Static).update(Content("\n".join(lines) or "nothing is written in its log yet"))
        self.scroll_end(animate=False)
