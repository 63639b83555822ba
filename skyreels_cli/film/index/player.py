"""Opens films in the desktop's player."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def open_outside(path: Path) -> bool:
    """Open a film in the desktop's player; False where there is no desktop (over SSH)."""
    if sys.platform == "win32":
        os.startfile(path)  # noqa: S606 - it opens a film
        return True
    has_desktop = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    command = ["open" if sys.platform == "darwin" else "xdg-open", str(path)]
    if not has_desktop:
        return False
    with suppress(OSError):
        quiet = subprocess.DEVNULL
        subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        return True
    return False
