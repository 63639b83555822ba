"""Lists every key with what it does, from the bindings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

LEGEND = """
Signs of the noise line: █ is pure noise, ▁ a finished latent frame; in async mode the wave runs from left to right.
Drift: how brightness, saturation, contrast and sharpness of the windows differ from the first one's, in percent of
full scale; a curve that goes on and on is a film that wanders (`color_match: anchor` holds it).
The list is sorted as the queue is worked off: running, next ones, then what ended. A worker takes a job whose model
is loaded before others, for a while; the details say so. Reordering is for waiting jobs.
Nothing is lost by leaving: jobs are rendered by the worker (skyreels queue run), not by this dashboard."""


class HelpScreen(ModalScreen[None]):
    """The keys of the screen below this one, and a legend."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """Lay out keys and legend."""
        with VerticalScroll(classes="dialog wide"):
            yield Static(Content("\n").join([*self._keys(), Content(LEGEND)]))

    def on_mount(self) -> None:
        """Set the title, and let the arrow keys scroll."""
        box = self.query_one(VerticalScroll)
        box.border_title = "keys"
        box.focus()

    def _keys(self) -> Iterator[Content]:
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else self
        keys: dict[str, tuple[str, list[str]]] = {}
        for active in below.active_bindings.values():
            binding = active.binding
            if binding.id:
                said = keys.setdefault(binding.action, (binding.tooltip or binding.description, []))
                said[1].append(self.app.get_key_display(binding))
        for text, names in keys.values():
            yield Content.assemble((f"{' '.join(names):>16}", "bold $accent"), f"  {text}")
