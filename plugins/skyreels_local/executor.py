"""Starts the renderer as a child process on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from skyreels_cli.plugins.options import Options


def command(_options: Options) -> list[str]:
    """The renderer, run by the Python that runs the worker.

    `-P` keeps the working folder off the import path, where a file `random.py` would replace the module; it is left
    out if the worker's own path has that folder.
    """
    safe = [] if str(Path.cwd()) in sys.path else ["-P"]
    return [sys.executable, *safe, "-m", "skyreels_cli.queue.renderer"]
