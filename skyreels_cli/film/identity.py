"""What a video says that it was made from: its `comment` tag, or else the sidecar `<file>.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skyreels_cli.film.folder.manifest import read_record
from skyreels_cli.media.comment import read_comment


def sidecar_of(film: Path) -> Path:
    """Where the file beside a film lies; it need not exist."""
    return film.with_name(film.name + ".json")


def identity_of(film: Path) -> Mapping[str, Any] | None:
    """What a video says that it was made from; None if it is missing or says nothing of the kind."""
    if not film.is_file():
        return None
    try:
        made = json.loads(read_comment(film) or "")
    except ValueError:
        made = None
    for found in (made, read_record(sidecar_of(film))):
        if isinstance(found, dict) and isinstance(found.get("recipe"), dict):
            return found
    return None
