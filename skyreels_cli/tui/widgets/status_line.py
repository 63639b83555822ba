"""The top line: counts of jobs, the time left, and what keeps jobs from being rendered."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widgets import Static

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.output import clock
from skyreels_cli.tui.view import View

COUNTED = (
    ("running", "running"),
    ("lost", "lost"),
    ("queued", "queued"),
    ("paused", "paused"),
    ("failed", "failed"),
    ("cancelled", "cancelled"),
    ("succeeded", "done"),
)


class StatusLine(Static):
    """One line of counts and, where something stands in the way, a second one that says what to do."""

    _drawn: Content | None = None

    def show(self, view: View) -> None:
        """Draw a reading."""
        shown = {**view.counts, "running": view.counts.get("running", 0) - view.lost, "lost": view.lost}
        counts = " · ".join(f"{shown[state]} {word}" for state, word in COUNTED if shown.get(state))
        left = _queue_left(view)
        head = f" skyreels  {f'{left} left · ' if left else ''}{counts or 'the queue is empty: n adds a film'}"
        notes = [Content.styled(f" {note}", "$text-warning") for note in _notes(view)]
        text = Content("\n").join([Content(head).stylize("bold", 1, 9), *notes])
        if text != self._drawn or self.has_class("-trouble"):
            self.remove_class("-trouble")
            self.update(text, layout=self.size.height != 1 + len(notes))  # a new layout draws every widget anew
            self._drawn = text

    def show_trouble(self, error: SkyreelsError) -> None:
        """Say what is wrong with the store; what is on the screen below is from before."""
        self.add_class("-trouble")
        text = Content.styled(f" {error.message}; what you see is from before", "$text-error")
        hint = Content.styled(f"\n try: {error.hint}", "$foreground-muted") if error.hint else Content("")
        self.update(Content(" skyreels").stylize("bold") + Content("\n") + text + hint)


def _queue_left(view: View) -> str:
    progress = view.film.progress if view.film else {}
    seconds = (progress.get("seconds_left") or 0.0) + view.seconds_ahead
    return clock(seconds) if seconds >= 1 else ""


def _notes(view: View) -> Iterator[str]:
    if view.paused:
        yield "‖ the queue is paused: nothing starts (P lets it go on)"
    waits = view.counts.get("queued", 0) + view.counts.get("running", 0)
    if waits and not view.living:
        lost = any(not worker.alive for worker in view.workers)
        yield f"! {'the worker has died' if lost else 'no worker is running'}: nothing is rendered (w starts one)"
    if any(worker.asked_to_stop for worker in view.living):
        yield "‖ the worker is stopping: it saves its film first"
    yield from (f"! {reason}" for worker in view.living if (reason := worker.sample.get("rest_reason")))
