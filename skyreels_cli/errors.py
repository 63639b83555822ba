"""The error tree: every expected failure has a stable code, an exit code and, where one helps, a hint."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class SkyreelsError(Exception):
    """An expected failure: one line for a person, a code for a script, a hint that can be pasted."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for the name nearest to what was typed, or nothing."""
    spellings = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), spellings, n=1)
    return f'; did you mean "{spellings[near[0]]}"?' if near else ""
