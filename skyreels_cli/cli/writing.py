"""A text while it is being written: on stderr, gone when it is done; an event for each piece under `--events`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skyreels_cli.output import Output

SHOWN_LINES = 6


@contextmanager
def shown(out: Output) -> Iterator[Callable[[str], object]]:
    """What is called with each piece; nothing is drawn before the first one."""
    if out.events:
        yield lambda piece: out.event({"event": "text_written", "text": piece})
        return
    if not out.animated:
        yield str
        return
    display = WritingDisplay(out)
    try:
        yield display.add
    finally:
        display.stop()


class WritingDisplay:
    """The last lines of a text that grows."""

    def __init__(self, out: Output) -> None:
        from rich.live import Live

        self._console = out.console()
        self._live = Live(console=self._console, transient=True, refresh_per_second=8)
        self._text = ""

    def add(self, piece: str) -> None:
        """Append a piece, without what a terminal would obey."""
        from rich.text import Text

        from skyreels_cli.order.enhance.answer import CONTROL

        self._text += CONTROL.sub("", piece)
        lines = Text(self._text, "dim").wrap(self._console, self._console.width)
        self._live.start()
        self._live.update(Text("\n").join(lines[-SHOWN_LINES:]))

    def stop(self) -> None:
        """Take it off the screen."""
        self._live.stop()
