"""stdout and stderr that cannot end the program: what nobody can read any more is dropped."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO

STAND_INS = {"→": "->", "×": "x", "…": "...", "–": "-", "✓": "+", "·": "*", "█": "#"}
"""For our own signs where a terminal has none of them."""
ERRORS = "skyreels"


class SteadyFile(io.FileIO):
    """A file descriptor that takes every write; `lost` is the error of the first that did not arrive.

    The terminal may be gone (EIO), the reader dead (EPIPE), the disk full, or the other end slow and the descriptor
    set to non-blocking by another program that shares it: that one is waited for.
    """

    lost: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, or let it be; says that all of it was written."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and self.lost is None:
                written = super().write(left)
                if written is None:
                    select.select([], [self], [])
                left = left[written or 0 :]
        except (OSError, ValueError) as error:
            self.lost = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        return size


def steady_streams() -> None:
    """Put such streams in the place of stdout and stderr; one that is closed or cannot show a character is mended."""
    codecs.register_error(ERRORS, _stand_in)
    _reopen()
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is getattr(sys, f"__{name}__") and os.name == "posix":
            steady = _steady(stream, number)
            setattr(sys, name, steady)
            setattr(sys, f"__{name}__", steady)  # the dashboard writes there
        else:  # a test's stream, or a console with rules of its own
            with suppress(AttributeError, ValueError):
                stream.reconfigure(errors=ERRORS)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the program runs


def lost_result() -> str | None:
    """Why the result on stdout did not arrive; None if it did, or if whoever read it has simply gone (`| head`)."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    lost = raw.lost if isinstance(raw, SteadyFile) else None
    return None if lost is None or lost.errno == errno.EPIPE else str(lost.strerror)


def _reopen() -> None:
    """Open closed descriptors on the null device, lest a file that is opened later becomes stdout."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)  # takes the lowest that is free


def _steady(stream: TextIO | None, number: int) -> TextIO:
    raw = SteadyFile(number, "w", closefd=False)
    encoding = stream.encoding if stream is not None else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, ERRORS, line_buffering=number == 2 or raw.isatty())


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """What to print for characters that a stream cannot encode: a stand-in of ours, else their escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(STAND_INS.get(char, ascii(char)[1:-1]) for char in characters), error.end
