"""Starts renderers as child processes on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skyreels_cli.plugins.executor import TellWorker
from skyreels_cli.plugins.options import Options
from skyreels_cli.queue.device import sample
from skyreels_local.child import Child


class Local:
    """Starts a command that speaks the renderer's protocol on its pipes."""

    elsewhere = False

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    def start(self, tell: TellWorker) -> Child:
        """A child process."""
        return Child(self._command, tell)

    def sample(self) -> dict[str, Any]:
        """What is in use on this machine."""
        return sample()


def executor(_options: Options) -> Local:
    """Renderers run by the Python that runs the worker."""
    return Local(renderer_command())


def renderer_command() -> list[str]:
    """The renderer, run by this Python.

    `-P` keeps the working folder off the import path, where a file `random.py` would replace the module; it is left
    out if the worker's own path has that folder.
    """
    safe = [] if str(Path.cwd()) in sys.path else ["-P"]
    return [sys.executable, *safe, "-m", "skyreels_cli.queue.renderer"]
