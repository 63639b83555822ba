"""The one place that writes to the terminal: stdout carries the result, stderr everything else."""

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
    """Whether colour and animation suit a stream: a capable terminal whose user has not set `NO_COLOR`."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


@dataclass
class Output:
    """How one command speaks: to a person, to a script (`json`, `events`), or hardly at all (`quiet`)."""

    command: str = ""
    json: bool = False
    events: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_input: bool = False
    _closed: bool = field(default=False, init=False, repr=False)

    def turn_on(self, **switches: bool) -> None:
        """Switch on what was typed; a switch given before the subcommand stays on."""
        for name, typed in switches.items():
            setattr(self, name, getattr(self, name) or typed)

    @property
    def animated(self) -> bool:
        """Whether a moving display on stderr is welcome."""
        return colourful(sys.stderr) and not (self.quiet or self.events)

    def console(self, stream: TextIO | None = None) -> Console:
        """Return a rich console on a stream (stderr if not given) that follows the rules for colour."""
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
        """End a command that succeeded; `essential` is what `--quiet` prints, or all there is to print."""
        if self.json or self.events:
            self._envelope(data, None)
        elif self.quiet or human is None:
            print(essential)
        else:
            self.console(sys.stdout).print(human())
        sys.stdout.flush()

    def failure(self, error: SkyreelsError) -> None:
        """End a command that failed: error, causes and hint on stderr, the envelope on stdout if wanted."""
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
        """Tell a person what is going on."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def detail(self, text: str) -> None:
        """Tell a person who asked for more (`-v`)."""
        if self.verbose or self.debug:
            self.narrate(text)

    def warning(self, text: str) -> None:
        """Tell a person about something that is likely not what they want."""
        if not self.quiet:
            self._say("warning", text)

    def _say(self, label: str, text: str) -> None:
        painted = f"\033[{_STYLES[label]}m{label}:\033[0m" if colourful(sys.stderr) else f"{label}:"
        print(painted, text, file=sys.stderr)

    def _envelope(self, data: Mapping[str, Any] | None, error: Mapping[str, Any] | None) -> None:
        if self._closed:  # a failure behind the result must not print a second envelope
            return
        self._closed = True
        envelope = {"skyreels": ENVELOPE_VERSION, "command": self.command, "ok": error is None}
        print(json.dumps({**envelope, "data": data, "error": error}))


def causes(error: BaseException) -> Iterator[str]:
    """Yield the first line of each explicit cause that the error's own text lacks, outermost first."""
    said, cause = str(error), error.__cause__
    while cause is not None:
        first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        if first_line not in said:
            yield first_line
        cause = cause.__cause__
