"""Plays films from the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App

from skyreels_cli.film.index.frames import preview_of
from skyreels_cli.film.index.player import open_outside


def play(app: App[Any], film: Path) -> None:
    """Play a film, or what is there of it; without a desktop its name goes to the clipboard."""
    preview = preview_of(film)
    if preview is None:
        app.notify("there is nothing to see of this job yet", timeout=3)
    elif not open_outside(preview[0]):
        app.copy_to_clipboard(str(preview[0]))
        app.notify(f"no desktop here; copied to the clipboard: {preview[0]}", markup=False)
