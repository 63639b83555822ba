"""The one place that writes to the terminal: stdout carries the result, stderr everything else.

It also writes numbers as people read them, for the commands and the dashboard alike.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from skyreels_cli.errors import SkyreelsError

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType
    from rich.segment import Segment

ENVELOPE_VERSION = 1
_UNSEEN = dict.fromkeys(
    code
    for first, last in ((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069))
    for code in (*range(first, last + 1), 0x061C)
)
"""C0 but tab and line feed, DEL, C1, and what turns the direction of writing: a terminal obeys them."""

_STYLES = {"error": "1;31", "warning": "1;33", "hint": "1;36"}


def colourful(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can show colour and animation, and `NO_COLOR` is not set."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def harmless(text: str) -> str:
    """A text without the characters that make a terminal do something; prompts and presets come from strangers."""
    return text.translate(_UNSEEN)


class _Harmless:
    """Rich's hook before anything is printed: everything is printed without such characters."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Put each into something that cleans what comes out of it."""
        return [_Cleaned(renderable) for renderable in renderables]


@dataclass(frozen=True)
class _Cleaned:
    renderable: ConsoleRenderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.renderable, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))


@dataclass
class Output:
    """Writes a command's output: for people, for scripts (`json`, `events`), or the essential result only (`quiet`)."""

    command: str = ""
    json: bool = False
    events: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_input: bool = False
    _closed: bool = field(default=False, init=False, repr=False)

    def turn_on(self, **switches: bool) -> None:
        """Turn on the switches that were typed; those typed before the subcommand stay on."""
        for name, typed in switches.items():
            setattr(self, name, getattr(self, name) or typed)

    @property
    def animated(self) -> bool:
        """Whether progress on stderr may be animated, which takes characters beyond ASCII."""
        encoding = (getattr(sys.stderr, "encoding", None) or "utf-8").lower()
        return colourful(sys.stderr) and encoding.startswith("utf") and not (self.quiet or self.events)

    @property
    def pictures(self) -> bool:
        """Whether the result is read by a person on a terminal that can show pictures."""
        machine = self.json or self.events or self.quiet
        encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
        return colourful(sys.stdout) and encoding.startswith("utf") and not machine

    def console(self, stream: TextIO | None = None) -> Console:
        """A rich console on a stream (default: stderr) that follows the rules for colour."""
        from rich.console import Console

        stream = stream or sys.stderr
        colour = colourful(stream)
        console = Console(
            file=stream,
            force_terminal=colour,
            no_color=not colour,
            color_system="auto" if colour else None,
            highlight=False,
            markup=False,
            emoji=False,
        )
        console.push_render_hook(_Harmless())  # type: ignore[arg-type]  # to be of its class costs importing rich
        return console

    def result(
        self, data: Mapping[str, Any], essential: str, human: Callable[[], RenderableType] | None = None
    ) -> None:
        """Print the result of a command; `essential` is for `--quiet`, and for everyone if there is no `human`."""
        if self.json or self.events:
            self._envelope(data, None)
        elif self.quiet:  # a path, an id: scripts need it as it is
            print(harmless(essential) if sys.stdout.isatty() else essential)
        elif human is None:
            print(harmless(essential))
        else:
            view = human()
            self.console(sys.stdout).print(view, soft_wrap=isinstance(view, str))  # a path is copied in one piece
        sys.stdout.flush()

    def failure(self, error: SkyreelsError) -> None:
        """Print an error with its causes and hint on stderr, and under `--json` or `--events` the envelope."""
        if self.debug:
            print(harmless("".join(traceback.format_exception(error))), end="", file=sys.stderr)
        self._say("error", error.message)
        for cause in causes(error):
            print(f"  cause: {harmless(cause)}", file=sys.stderr)
        if error.hint:
            self._say("hint", error.hint)
        if self.json or self.events:
            self._envelope(None, {"code": error.code, "message": error.message, "hint": error.hint})
            sys.stdout.flush()

    def event(self, data: Mapping[str, Any]) -> None:
        """Print one NDJSON event under `--events`."""
        if self.events:
            print(json.dumps(data), flush=True)

    def narrate(self, text: str) -> None:
        """Print a line about what is going on, unless `--quiet`."""
        if not self.quiet:
            print(harmless(text), file=sys.stderr)

    def detail(self, text: str) -> None:
        """Print a line for `-v` and `--debug`."""
        if self.verbose or self.debug:
            self.narrate(text)

    def warning(self, text: str) -> None:
        """Print a warning about something that the user probably does not want, unless `--quiet`."""
        if not self.quiet:
            self._say("warning", text)

    def _say(self, label: str, text: str) -> None:
        painted = f"\033[{_STYLES[label]}m{label}:\033[0m" if colourful(sys.stderr) else f"{label}:"
        print(painted, harmless(text), file=sys.stderr)

    def _envelope(self, data: Mapping[str, Any] | None, error: Mapping[str, Any] | None) -> None:
        if self._closed:  # a failure after the result must not print a second envelope
            return
        self._closed = True
        envelope = {"skyreels": ENVELOPE_VERSION, "command": self.command, "ok": error is None}
        print(json.dumps({**envelope, "data": data, "error": error}))


def causes(error: BaseException) -> Iterator[str]:
    """The first line of each explicit cause that is not part of the error's own text, outermost first."""
    said, cause = str(error), error.__cause__
    while cause is not None:
        first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        if first_line not in said:
            yield first_line
        cause = cause.__cause__


def byte_size(size: float) -> str:
    """Bytes as `8.1 GB`, `740 MB` or `1 kB`, in powers of ten as disks and GPUs are sold."""
    if size >= 0.95e9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 0.95e6 else f"{size / 1e3:.0f} kB"


def clock(seconds: float) -> str:
    """Seconds as `0:27` or `1:45:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def frame_range(first_frame: int, frames: int) -> str:
    """A range of frames of the film, counted from 1: `98–177`."""
    return f"{first_frame + 1}–{first_frame + frames}"


def frames_of_run(first_frame: int, frames: int, count: int) -> str:
    """The frames of `count` windows of so many frames each: `98–177`, `98–3537 (80 each)`."""
    whole = frame_range(first_frame, count * frames)
    return whole if count == 1 else f"{whole} ({frames} each)"


def window_numbers(first: int, count: int) -> str:
    """The numbers of `count` windows, counted from 1: `2`, `3–44`."""
    return str(first) if count == 1 else f"{first}–{first + count - 1}"
