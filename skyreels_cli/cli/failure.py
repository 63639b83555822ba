"""Every exception that can leave a command, as an error with a code, an exit code and a hint."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from shlex import quote
from typing import Any

import typer

from skyreels_cli.errors import (
    InterruptedError,
    SkyreelsError,
    UsageError,
    as_out_of_memory,
    did_you_mean,
    first_line,
    printable,
)

OTHER_NAMES = {
    "steps": "inference-steps",
    "cfg": "guidance-scale",
    "cfg-scale": "guidance-scale",
    "frames": "num-frames",
    "length": "duration",
    "size": "resolution",
    "out": "output",
    "negative": "negative-prompt",
    "sampler": "scheduler",
    "first-frame": "image",
    "last-frame": "end-image",
}
"""What other programs call our options, without the dashes."""


def as_failure(error: BaseException, args: Sequence[str] = ()) -> SkyreelsError:
    """Return the error to report for an exception; a bug becomes code `internal`, never a usage error.

    `args` is the command line, in which a prompt may have been taken for an option.
    """
    if isinstance(error, SkyreelsError):
        return error
    if isinstance(error, typer.TyperException):
        return _dashed_prompt(error, args) or _usage(error, args)
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


def _dashed_prompt(error: typer.TyperException, args: Sequence[str]) -> UsageError | None:
    """The error for a prompt that begins with a dash, and was taken for an option that does not exist."""
    name = getattr(error, "option_name", None)
    prompt = next((arg for arg in args if name and arg.startswith(("-", name)) and len(arg.split()) > 1), None)
    if prompt is None:
        return None
    message = "a prompt that begins with a dash is taken for an option: put it behind --"
    return UsageError("usage", message, f"skyreels {command_behind(error)} -- {quote(printable(prompt))}")


def _usage(error: typer.TyperException, args: Sequence[str]) -> UsageError:
    message = error.message if hasattr(error, "option_name") else error.format_message()
    message = message.replace("Value error, ", "").rstrip(".")
    message = message[:1].lower() + message[1:]
    if meant := _meant_option(error):
        typed = str(getattr(error, "option_name", ""))
        line = [_replaced(arg, typed, meant) for arg in args]
        return UsageError(
            "usage", f'{message}; did you mean "{meant}"?', shlex.join(["skyreels", *map(printable, line)])
        )
    words = ["skyreels", command_behind(error), "--help"]
    return UsageError("usage", message + _near(error), " ".join(filter(None, words)))


def _replaced(arg: str, typed: str, meant: str) -> str:
    name, equals, value = arg.partition("=")
    return f"{meant}{equals}{value}" if name.replace("_", "-") == typed.replace("_", "-") else arg


def _meant_option(error: Any) -> str | None:
    """The option that was meant: one of other programs' names for it, one that has all its words, or the nearest."""
    typed = str(getattr(error, "option_name", "") or "")
    context = getattr(error, "ctx", None)
    if not typed.startswith("--") or context is None:
        return None
    known = {name.strip("-"): name for param in context.command.params for name in param.opts if name.startswith("--")}
    word = typed.strip("-").replace("_", "-").lower()
    whole = sorted((name for name in known if set(word.split("-")) <= set(name.split("-"))), key=len)
    near = [OTHER_NAMES.get(word, ""), *whole, *get_close_matches(word, known, n=1)]
    return next((known[name] for name in near if name in known), None)


def _near(error: Any) -> str:
    """Say which value was probably meant; for a command Typer has said so already."""
    if hasattr(error, "option_name") or "Did you mean" in error.message:
        return ""
    value, *choices = re.findall(r"'([^']*)'", error.message) or [""]
    return did_you_mean(value, choices)
