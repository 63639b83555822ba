"""Reads the newest frame of an unfinished film, and opens films in a player."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.media.reader import Frame, read_tail
from skyreels_cli.media.video import open_video

PREVIEWS = ("preview.mp4", "preview.mkv")
# Wider than any terminal shows in half-blocks.
LARGEST_SIDE = 320


def preview_of(output: Path) -> tuple[Path, float] | None:
    """The playable part of an unfinished film and when it was written; the finished film once it is there."""
    for path in (*(work_folder(output) / name for name in PREVIEWS), output):
        with suppress(OSError):
            return path, path.stat().st_mtime
    return None


def last_frame(video: Path) -> Frame | None:
    """The last frame (h, w, 3), scaled down; None if it is gone or cannot be read just now."""
    try:
        seen = open_video(video)
        width, height = seen.shown_size
        scale = min(1.0, LARGEST_SIDE / max(width, height))
        size = max(2, round(width * scale)), max(2, round(height * scale))
        frame: Frame = read_tail(seen, 1, *size)[0]
    except (SkyreelsError, OSError):
        return None
    return frame


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
