"""Reads presets, which are drafts in YAML files: shipped ones, those in the user's folder, or one given by its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

import skyreels_cli
from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.validate import find_problems

SUFFIXES = (".yaml", ".yml", ".json")
RELATIVE_TO_PRESET = ("image", "end_image", "video")


@dataclass(frozen=True)
class Preset:
    """A preset with a name; `problem` says why it cannot be used."""

    name: str
    path: Path
    origin: Literal["user", "shipped"]
    description: str = ""
    problem: str | None = None


def load_preset(name_or_path: str, user_folder: Path | None = None) -> Draft:
    """The draft in a preset; a name is looked up in the user's folder first, then among the shipped presets.

    Relative paths in it are relative to its folder. Raises UsageError `preset-not-found` or, with
    `file:line: key: message` for everything that is wrong, `bad-preset`.
    """
    path = _find(name_or_path, user_folder)
    return _draft(path, _read(path))


def load_shots(path: Path) -> Draft:
    """The draft in a `--shots` file: a preset that has `shots:`, or nothing but the list of them.

    Raises UsageError `shots-not-found` or, like a preset, `bad-preset`.
    """
    if not path.is_file():
        raise UsageError("shots-not-found", f"there is no file {path}", "--shots FILE.yaml")
    values = _read(path, list_key="shots")
    if not values.get("shots"):
        raise _bad(path, f"{path}:1: there are no `shots:` in it")
    return _draft(path, values)


def _draft(path: Path, values: dict[str, Any]) -> Draft:
    for part in (values, *(values.get("shots") or ())):
        for key in RELATIVE_TO_PRESET:
            if isinstance(part.get(key), str):
                part[key] = str(path.absolute().parent / Path(part[key]).expanduser())
    return Draft.model_validate(values)


def list_presets(user_folder: Path | None = None) -> list[Preset]:
    """Every preset with a name, sorted; one of the user's replaces a shipped one of the same name."""
    found = {path.stem: _describe(path, "shipped") for path in _files(shipped_folder())}
    found |= {path.stem: _describe(path, "user") for path in _files(user_folder)}
    return [found[name] for name in sorted(found)]


def shipped_folder() -> Path:
    """The folder of the shipped presets: inside the installed package, or beside it in a checkout."""
    package = Path(skyreels_cli.__file__).parent
    installed = package / "presets"
    return installed if installed.is_dir() else package.parent / "presets"


def _describe(path: Path, origin: Literal["user", "shipped"]) -> Preset:
    try:
        values = _read(path)
    except UsageError as error:
        return Preset(path.stem, path, origin, problem=error.message)
    return Preset(path.stem, path, origin, str(values.get("description") or ""))


def _find(name_or_path: str, user_folder: Path | None) -> Path:
    given = Path(name_or_path).expanduser()
    if given.suffix in SUFFIXES or len(given.parts) > 1:
        if not given.is_file():
            near = did_you_mean(given.name, (path.name for path in _files(given.parent)))
            message = f"there is no preset file {given}{near}"
            raise UsageError("preset-not-found", message, "--preset NAME|FILE.yaml")
        return given
    named = {path.stem: path for path in (*_files(shipped_folder()), *_files(user_folder))}
    if name_or_path not in named:
        message = f"there is no preset {name_or_path!r}{did_you_mean(name_or_path, named)}"
        raise UsageError("preset-not-found", message, f"one of: {', '.join(sorted(named))}")
    return named[name_or_path]


def _files(folder: Path | None) -> Iterator[Path]:
    if folder and folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def _read(path: Path, list_key: str | None = None) -> dict[str, Any]:
    """The valid values of a preset in YAML 1.2 or JSON; a file that holds only a list becomes `{list_key: list}`."""
    try:
        text = path.read_text(encoding="utf-8")
        values = YAML(typ="safe", pure=True).load(text)  # plain values; the C parser reads YAML 1.1
        lines = YAML().load(text)
    except MarkedYAMLError as broken:
        line = f":{broken.problem_mark.line + 1}" if broken.problem_mark else ""
        raise _bad(path, f"{path}{line}: {broken.problem}") from None
    except (OSError, UnicodeDecodeError, YAMLError) as unreadable:
        raise _bad(path, f"{path} cannot be read: {unreadable}") from unreadable
    depth = 0
    if list_key and isinstance(values, list):
        values, depth = {list_key: values}, 1
    if not isinstance(values, dict):
        raise _bad(path, f"{path}:1: expected `key: value` lines")
    problems = find_problems(values)
    found = sorted((_line(lines, problem.path[depth:]), problem.key, problem.message) for problem in problems)
    if found:
        raise _bad(path, "\n".join(f"{path}:{line}: {key}: {message}" for line, key, message in found))
    return values


def _line(lines: Any, keys: tuple[str | int, ...]) -> int:
    """The line, from 1, of the innermost key or list item on the way to a value."""
    line = 0
    for key in keys:
        if isinstance(lines, CommentedMap) and key in lines:
            line = lines.lc.key(key)[0]
        elif isinstance(lines, CommentedSeq):
            line = lines.lc.item(key)[0]
        else:
            break
        lines = lines[key]
    return line + 1


def _bad(path: Path, message: str) -> UsageError:
    return UsageError("bad-preset", message, f"edit {path}")
