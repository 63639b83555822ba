"""Every exception that can leave a command, as an error with a code, an exit code and a hint."""

from __future__ import annotations

import re
from typing import Any

import typer

from skyreels_cli.errors import (
    InterruptedError,
    SkyreelsError,
    UsageError,
    as_out_of_memory,
    did_you_mean,
    first_line,
)


def as_failure(error: BaseException) -> SkyreelsError:
    """Return the error to report for an exception; a bug becomes code `internal`, never a usage error."""
    if isinstance(error, SkyreelsError):
        return error
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return InterruptedError("interrupted", "interrupted before the work was finished")
    failure = as_out_of_memory(error) or _system(error) or _bug(error)
    failure.__cause__ = error
    return failure


def _system(error: BaseException) -> SkyreelsError | None:
    """The account or the terminal, where those are to blame and the library that was hit does not say so in words."""
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        message = "this account has no home folder: set SKYREELS_HOME to a folder that may be written to"
        return UsageError("no-home", message, "export SKYREELS_HOME=/var/tmp/skyreels")
    return None


def _bug(error: BaseException) -> SkyreelsError:
    message = f"internal error: {type(error).__name__}: {first_line(error)}"
    return SkyreelsError("internal", message, "run the same command with --debug and report what it prints")


def command_behind(error: BaseException) -> str:
    """Name the command whose line could not be parsed: `generate`, `preset list`, or nothing."""
    context = getattr(error, "ctx", None)
    return context.command_path.partition(" ")[2] if context else ""


def _usage(error: typer.TyperException) -> UsageError:
    message = error.message if hasattr(error, "option_name") else error.format_message()
    message = message.replace("Value error, ", "").rstrip(".")
    message = message[:1].lower() + message[1:]
    words = ["skyreels", command_behind(error), "--help"]
    return UsageError("usage", message + _near(error), " ".join(filter(None, words)))


def _near(error: Any) -> str:
    """Say which option or value was probably meant; for a command Typer has said so already."""
    if hasattr(error, "possibilities"):
        return did_you_mean(error.option_name, error.possibilities or ())
    if "Did you mean" in error.message:
        return ""
    value, *choices = re.findall(r"'([^']*)'", error.message) or [""]
    return did_you_mean(value, choices)
