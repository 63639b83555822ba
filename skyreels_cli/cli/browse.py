"""`skyreels show FILM --browse`: the frames of a film on the terminal, one at a time, by keys."""

from __future__ import annotations

import os
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyreels_cli.cli.monitor import interactive
from skyreels_cli.cli.picture_view import may_draw, picture
from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.output import Output, clock

if TYPE_CHECKING:
    from rich.console import Console

    from skyreels_cli.media.reader import Frame
    from skyreels_cli.media.video import Video

KEY = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
# Not Escape: on a slow line an arrow key may come in two parts, of which that is the first. Nothing: the end of input.
LEAVE = ("q", "")
HELP = "←→ frame  ↑↓ window  q leave"


@dataclass(frozen=True)
class FrameSteps:
    """Where keys lead among the frames 0 to `last`; `stops` are the first frames of windows, in order."""

    last: int
    stops: Sequence[int]

    def after(self, key: str, now: int) -> int:
        """The frame that a key leads to; `now` for any other key."""
        ways: dict[str, Callable[[], int]] = {
            "\x1b[D": lambda: max(0, now - 1),
            "\x1b[C": lambda: min(self.last, now + 1),
            "\x1b[A": lambda: max((stop for stop in self.stops if stop < now), default=0),
            "\x1b[B": lambda: min((stop for stop in self.stops if stop > now), default=self.last),
            "\x1b[H": lambda: 0,
            "\x1b[F": lambda: self.last,
        }
        others = {",": "\x1b[A", ".": "\x1b[B", "\x1b[1~": "\x1b[H", "\x1b[4~": "\x1b[F"}
        key = key.replace("\x1bO", "\x1b[")  # what the same keys send where a program before has changed their mode
        return ways.get(others.get(key, key), lambda: now)()


def browse(video: Video, out: Output) -> int:
    """Show frames until somebody leaves; returns the number, from 0, of the last one that was shown.

    Raises UsageError `no-terminal` where nobody sits, or where no picture can be shown.
    """
    from skyreels_cli.film.index.frames import telling_frames

    if os.name != "posix" or not interactive(out) or not may_draw(out):
        message = "frames are browsed on a terminal that shows pictures"
        raise UsageError("no-terminal", message, "skyreels show FILM --frame 1 -o frame.png")
    steps = FrameSteps(video.frames - 1, telling_frames(video)[0])
    console, now = out.console(sys.stdout), 0
    with _screen(console):
        _draw(console, video, now)
        while True:
            for key in _keys():
                if key in LEAVE:
                    return now
                now = steps.after(key, now)
            _draw(console, video, now)


@contextmanager
def _screen(console: Console) -> Iterator[None]:
    """A screen of its own, on which keys are not echoed; the terminal is as before afterwards."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    console.set_alt_screen(True)
    console.show_cursor(False)
    tty.setcbreak(sys.stdin, termios.TCSADRAIN)  # what was typed ahead stays
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        console.show_cursor(True)
        console.set_alt_screen(False)


def _keys() -> list[str]:
    """The keys that have been pressed: several at once where drawing took longer than pressing them."""
    return KEY.findall(os.read(sys.stdin.fileno(), 256).decode(errors="replace")) or [""]


def _draw(console: Console, video: Video, number: int) -> None:
    from rich.control import Control

    frame = _frame(video, number)
    console.control(Control.home(), Control.clear())
    if frame is not None:
        console.print(picture(frame, console.width - 1, console.height - 2))
    console.print(f"{_caption(video, number)}{'' if frame is not None else ', cannot be read'}  {HELP}", end="")


def _frame(video: Video, number: int) -> Frame | None:
    """The frame, scaled down; None where the file is damaged or gone."""
    from skyreels_cli.film.index.frames import small_frames

    try:
        return next(small_frames(video, [number]))
    except (SkyreelsError, OSError, RuntimeError):
        return None


def _caption(video: Video, number: int) -> str:
    from skyreels_cli.film.index.frames import window_starts

    starts = window_starts(video)
    window = f", window {max(1, bisect_right(starts, number))}/{len(starts)}" if starts else ""
    return f"frame {number + 1} of {video.frames}, {clock(float(number / video.fps))}{window}"
