"""The error classes: every expected failure has a stable code, an exit code and, where possible, a hint."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, ClassVar


class SkyreelsError(Exception):
    """An expected failure with a one-line message, a code for scripts, and a hint that can be pasted."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all arguments, so that an error can be sent to another process."""
        return type(self), (self.code, self.message, self.hint), self.__dict__


class UsageError(SkyreelsError):
    """Usage, configuration, preset, model or plan error: nothing was loaded and nothing rendered."""

    exit_code = 2


class RetryableError(SkyreelsError):
    """The same command may work later (network, device busy)."""

    exit_code = 3


class OutOfMemoryError(SkyreelsError):
    """The device or the host ran out of memory."""

    exit_code = 4


class PluginError(SkyreelsError):
    """A plugin that was asked for is missing or broken."""

    exit_code = 5


class InterruptedError(SkyreelsError):
    """The user stopped the work (Ctrl-C)."""

    exit_code = 130


SMALLER = "try --offload stream, --vae bfloat16, --dtype bfloat16, a smaller --resolution, or fewer --base-num-frames"


def as_out_of_memory(error: BaseException) -> OutOfMemoryError | None:
    """The error to report if the host or the device ran out of memory; None for every other exception.

    It is recognised by the names of its classes and by torch's wording, so that torch need not be imported.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if not names & {"MemoryError", "OutOfMemoryError"} and "DefaultCPUAllocator" not in str(error):
        return None
    return OutOfMemoryError("out-of-memory", f"out of memory: {first_line(error)}", SMALLER)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, as some libraries add pages to it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` with the known name nearest to what was typed, or an empty string."""
    spellings = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), spellings, n=1)
    return f'; did you mean "{spellings[near[0]]}"?' if near else ""


def printable(text: str, limit: int = 80) -> str:
    """Foreign text for a message: no control characters, no line breaks, not longer than `limit`."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:limit])
    return shown if len(text) <= limit else f"{shown}…"
