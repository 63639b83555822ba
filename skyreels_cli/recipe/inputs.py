"""A recipe without the machine that it was made on: its files by name, size and hash, not by where they lie."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

PICTURES = ("image", "end_image", "video")
WORDS = ("prompt", "negative_prompt", "description")
"""Fields that people wrote for others to read; they stay as they are."""


def is_local(text: str) -> bool:
    """Whether a text is a path that means something on one machine only."""
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute() or text.startswith(("~", ".."))


def portable(values: Any) -> Any:
    """Values in which every local path is a name: `/home/a/first.png` is `first.png`."""
    return _mapped(values, lambda path: PureWindowsPath(path).name)


def relocated(values: Any, was: Path, now: Path) -> Any:
    """Values whose files are found again after they moved along with their folder, from `was` to `now`.

    A path that leads nowhere is tried from the new folder as it was from the old one, then by its name.
    """
    return _mapped(values, lambda path: _found_again(path, was, now))


def described_inputs(recipe: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name, bytes and SHA-256 of a recipe's pictures and videos that are there, by the field that names them."""
    files = ((field, Path(path)) for field, path in _inputs(recipe))
    return {field: _described(file) for field, file in files if file.is_file()}


def _inputs(recipe: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    yield from ((prefix + field, recipe[field]) for field in PICTURES if recipe.get(field))
    for number, shot in enumerate(recipe.get("shots") or (), 1):
        yield from _inputs(shot, f"shot {number} ")


def _described(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"name": file.name, "bytes": os.fstat(stream.fileno()).st_size, "sha256": sha256}


def _mapped(values: Any, change: Callable[[str], str]) -> Any:
    """A copy with every local path changed, but for what stands in texts."""
    if isinstance(values, Mapping):
        return {name: value if name in WORDS else _mapped(value, change) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_mapped(value, change) for value in values]
    return change(values) if isinstance(values, str) and is_local(values) else values


def _found_again(path: str, was: Path, now: Path) -> str:
    places = (Path(path), now / os.path.relpath(path, was), now / Path(path).name)
    return next((os.path.normpath(place) for place in places if place.exists()), path)
