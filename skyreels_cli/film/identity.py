"""What a video says that it was made from: its `comment` tag, or else the sidecar `<file>.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skyreels_cli.film.folder.manifest import read_record
from skyreels_cli.media.comment import read_comment
from skyreels_cli.recipe.inputs import portable

IDENTITY = ("skyreels", "version", "recipe", "model", "inputs", "libraries")
"""What a film can be made again from; tag, sidecar and manifest all say it."""


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


def film_key(made: Mapping[str, Any]) -> str:
    """A name for what a film is, the same for its tag, its sidecar and its manifest, wherever it lies."""
    said = {name: portable(made.get(name)) for name in IDENTITY}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
