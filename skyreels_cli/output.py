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
    from rich.console import Console, RenderableType

ENVELOPE_VERSION = 1
_STYLES = {"error": "1;31", "warning": "1;33", "hint": "1;36"}


def colourful(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can show colour and animation, and `NO_COLOR` is not set."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


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
        """Whether progress on stderr may be animated."""
        return colourful(sys.stderr) and not (self.quiet or self.events)

    def console(self, stream: TextIO | None = None) -> Console:
        """A rich console on a stream (default: stderr) that follows the rules for colour."""
        from rich.console import Console

        stream = stream or sys.stderr
        colour = colourful(stream)
        return Console(
            file=stream,
            force_terminal=colour,
            no_color=not colour,
            color_system="auto" if colour else None,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def result(
        self, data: Mapping[str, Any], essential: str, human: Callable[[], RenderableType] | None = None
    ) -> None:
        """Print the result of a command; `essential` is for `--quiet`, and for everyone if there is no `human`."""
        if self.json or self.events:
            self._envelope(data, None)
        elif self.quiet or human is None:
            print(essential)
        else:
            self.console(sys.stdout).print(human())
        sys.stdout.flush()

    def failure(self, error: SkyreelsError) -> None:
        """Print an error with its causes and hint on stderr, and under `--json` or `--events` the envelope."""
        if self.debug:
            traceback.print_exception(error, file=sys.stderr)
        self._say("error", error.message)
        for cause in causes(error):
            print(f"  cause: {cause}", file=sys.stderr)
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
            print(text, file=sys.stderr)

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
        print(painted, text, file=sys.stderr)

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
