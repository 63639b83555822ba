"""One job: its state, its recipe, its plan, the end of its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static, TabbedContent, TabPane

from skyreels_cli.tui.job_text import Fact, fact_lines, job_facts, recipe_facts
from skyreels_cli.tui.messages import Seen
from skyreels_cli.tui.plan_text import plan_lines
from skyreels_cli.tui.view import View
from skyreels_cli.tui.widgets.log_tail import LogTail

PAGES = ("facts", "recipe", "plan", "log")


class JobScreen(Screen[None]):
    """Four pages about a job, kept up to date while it is rendered; `kept` is known of one that has been removed.

    `view` is the latest reading.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Back"),
        *(Binding(str(number), f"page('{name}')", name.title()) for number, name in enumerate(PAGES, 1)),
    ]

    def __init__(self, number: int, log: Path, view: View, kept: Sequence[Fact] = ()) -> None:
        super().__init__()
        self._number = number
        self._log_path = log
        self._view = view
        self._kept = kept

    def compose(self) -> ComposeResult:
        """Lay out the pages."""
        with TabbedContent():
            for name in PAGES[:-1]:
                with TabPane(name, id=name), VerticalScroll():
                    yield Static(id=f"{name}-text")
            with TabPane("log", id="log"):
                yield LogTail(self._log_path)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show what has been read of the job already."""
        self.title = f"job {self._number}"
        self.post_message(Seen(self._view))

    @on(Seen)
    def take(self, message: Seen) -> None:
        """Show what the watcher has read."""
        seen = message.seen
        if not isinstance(seen, View) or seen.wanted.detail != self._number:
            return
        if seen.detail is None:
            said = f"job {self._number} has been removed from the queue"
            self._write(
                "facts", Content("\n\n").join([Content(said), *([fact_lines(iter(self._kept))] if self._kept else [])])
            )
            return
        job = seen.detail
        self._write("facts", fact_lines(job_facts(job, dict(seen.why).get(job.id, ""))))
        self._write("recipe", fact_lines(recipe_facts(job)))
        self._write("plan", Content("\n".join(plan_lines(job.plan))))

    def action_page(self, name: str) -> None:
        """Turn to a page."""
        self.query_one(TabbedContent).active = name
        self.query_one(f"#{name} VerticalScroll").focus()

    def _write(self, page: str, text: Content) -> None:
        self.query_one(f"#{page}-text", Static).update(text)
