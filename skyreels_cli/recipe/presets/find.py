"""Where presets lie and which of one name is meant: a path, else `./presets`, else the user's folder, else shipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Literal

import skyreels_cli
from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.paths import folders
from skyreels_cli.recipe.presets.read import read_file, read_preset

Origin = Literal["project", "user", "shipped"]

SUFFIXES = (".yaml", ".yml", ".json")
PROJECT_FOLDER = Path("presets")


@dataclass(frozen=True)
class Listed:
    """A preset that can be named; `problem` says why it cannot be used."""

    name: str
    path: Path
    origin: Origin
    title: str = ""
    description: str = ""
    tags: list[str] = field(default_factory=list)
    problem: str | None = None


def list_presets(user_folder: Path | None = None) -> list[Listed]:
    """Every preset that has a name, by name; of several with one name the one that would be used."""
    return [_describe(path, origin) for _, (path, origin) in sorted(_named(user_folder).items())]


def find_preset(name_or_path: str, user_folder: Path | None = None) -> tuple[Path, Origin | None]:
    """The file of a preset, and in which folder it was found; None for one that was given as a path.

    Raises UsageError `preset-not-found`.
    """
    given = Path(name_or_path).expanduser()
    if given.suffix in SUFFIXES or len(given.parts) > 1:
        if not given.exists():
            near = did_you_mean(given.name, (path.name for path in _files(given.parent)))
            message = f"there is no preset file {given}{near}"
            raise UsageError("preset-not-found", message, "skyreels preset list")
        return given, None
    named = _named(user_folder)
    if name_or_path not in named:
        message = f"there is no preset {name_or_path!r}{did_you_mean(name_or_path, named)}"
        raise UsageError("preset-not-found", message, f"one of: {', '.join(sorted(named))}")
    return named[name_or_path]


def own_folder() -> Path:
    """The folder of the user's own presets.

    Settings are read only where they may name another, for that takes 50 ms (pydantic-settings).
    """
    known = folders()
    if not os.environ.get("SKYREELS_PRESETS_DIR") and not known.config_file.exists():
        return known.presets
    from skyreels_cli.settings import load_settings

    return load_settings().presets_dir


def shipped_folder() -> Path:
    """The presets of this program: inside the installed package, or beside it in a checkout."""
    package = Path(skyreels_cli.__file__).parent
    installed = package / "presets"
    return installed if installed.is_dir() else package.parent / "presets"


def own_preset(name: str, user_folder: Path, what: str) -> Path:
    """The file of a preset that may be changed; UsageError `preset-shipped` for one that comes with the program."""
    path, origin = find_preset(name, user_folder)
    if origin == "shipped":
        message = f"{name} comes with the program and cannot be {what}"
        raise UsageError("preset-shipped", message, f"skyreels preset edit {quote(name)} makes one of your own")
    return path


def _named(user_folder: Path | None) -> dict[str, tuple[Path, Origin]]:
    """The preset behind each name; those that win come last."""
    shipped = shipped_folder()
    found: dict[str, tuple[Path, Origin]] = {path.stem: (path, "shipped") for path in _files(shipped)}
    found |= {path.stem: (path, "user") for path in _files(user_folder)}
    if PROJECT_FOLDER.absolute() != shipped.absolute():  # the checkout itself is no project
        found |= {path.stem: (path, "project") for path in _files(PROJECT_FOLDER)}
    return found


def _files(folder: Path | None) -> Iterator[Path]:
    try:
        if folder and folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.name[0] != ".")
    except OSError:  # a folder that may not be read has nothing to offer
        return


def _describe(path: Path, origin: Origin) -> Listed:
    try:
        preset = read_preset(read_file(path), str(path)).preset
    except UsageError as error:
        return Listed(path.stem, path, origin, problem=error.message)
    return Listed(path.stem, path, origin, preset.title or "", preset.description or "", preset.tags or [])
