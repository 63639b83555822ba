"""Where an unfinished film lies and what it says it is; light, for commands that only look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MANIFEST = "film.json"
_SUFFIX = ".skyreels"


def work_folder(output: Path) -> Path:
    """The folder in which the film `output` is made."""
    return output.with_name(output.name + _SUFFIX)


def film_of(path: Path) -> Path:
    """The film that is meant by its name or by its work folder's."""
    return path.with_name(path.name.removesuffix(_SUFFIX))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a work folder; None if there is none."""
    return read_record(folder / MANIFEST)


def read_record(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
