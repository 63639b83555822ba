"""Files that a preset names: pictures and videos to start from, in its own folder and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from skyreels_cli.recipe.presets.preset import Preset

FILE_KEYS = ("image", "end_image", "video", "thumbnail")
"""Keys of a preset, the first three also of a shot, whose values are files."""


def file_problems(preset: Preset, folder: Path | None) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where a preset names a file that is not inside its folder: the place and what is wrong there.

    Without a folder (a code has none) no file can be named at all.
    """
    for path, name in named_files(preset):
        problem = "a code or a film cannot bring files" if folder is None else _problem(name, folder)
        if problem:
            yield path, problem


def named_files(preset: Preset) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every file that a preset names, and the key that names it."""
    for key in FILE_KEYS:
        if name := getattr(preset, key):
            yield (key,), name
    for index, shot in enumerate(preset.shots or ()):
        for key in FILE_KEYS[:2]:
            if name := getattr(shot, key):
                yield ("shots", index, key), name


def with_files(values: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A preset's values with every file's name changed."""
    changed = dict(values)
    for key in FILE_KEYS:
        if isinstance(changed.get(key), str):
            changed[key] = change(changed[key])
    if changed.get("shots"):
        changed["shots"] = [with_files(shot, change) for shot in changed["shots"]]
    return changed


def is_inside(name: str) -> bool:
    """Whether a name leads downwards only, on every system: no `..`, no root, no drive, no backslash."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or not path.parts or name.startswith("~")
    foreign = "\\" in name or bool(PureWindowsPath(name).drive) or not name.isprintable()
    return not (outside or foreign)


def _problem(name: str, folder: Path) -> str | None:
    if not is_inside(name):
        return f"{name!r:.80} leads out of the preset's folder; copy the file there, and name it by its name"
    try:
        file = folder / name
        steps = [file, *file.parents[: len(PurePosixPath(name).parts) - 1]]
        if any(step.is_symlink() for step in steps):
            return f"{name!r:.80} is a link; a preset's files lie in its folder themselves"
        if file.exists() and not file.is_file():
            return f"{name!r:.80} is no file"
    except (OSError, ValueError):
        return f"{name!r:.80} cannot be a file's name"
    return None
