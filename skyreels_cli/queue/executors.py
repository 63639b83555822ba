"""Where jobs run: an executor is a command that starts a program which speaks `queue.renderer`'s protocol."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from skyreels_cli.errors import PluginError, did_you_mean

Executor = Callable[[], list[str]]


def local() -> list[str]:
    """On this machine, with the Python that runs the worker.

    `-m` would let files of the working folder stand in for modules (`random.py`): only where they do so here, too.
    """
    safe = [] if str(Path.cwd()) in sys.path else ["-P"]
    return [sys.executable, *safe, "-m", "skyreels_cli.queue.renderer"]


EXECUTORS: dict[str, Executor] = {"local": local}


def find_executor(name: str) -> Executor:
    """The executor of a name, or PluginError `executor-unknown`."""
    if name not in EXECUTORS:
        message = f"there is no executor {name!r}{did_you_mean(name, EXECUTORS)}"
        raise PluginError("executor-unknown", message, f"--executor {' or '.join(EXECUTORS)}")
    return EXECUTORS[name]
