"""A finished film as a preset: the recipe in its `comment` tag, or in the `.json` beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.media.comment import read_comment
from skyreels_cli.recipe.presets.files import with_files
from skyreels_cli.recipe.presets.migrate import NewerPresetError, migrate
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import PresetText, bad_preset
from skyreels_cli.recipe.presets.yaml_text import MAX_BYTES, BadYamlError, YamlText, parse_json
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.sharing.bundle import Bundle
from skyreels_cli.recipe.validate import find_problems

FILMS = (".mp4", ".mkv", ".mov", ".webm", ".m4v")
WORDS = re.compile(r"[^\w.+-]+")


def read_film(path: Path) -> Bundle:
    """The preset in a film, whatever remuxed it, else in the file beside it.

    Raises UsageError `video-not-found`, `no-recipe`, `bad-preset`.
    """
    if not path.is_file():
        raise UsageError("video-not-found", f"there is no video {path}", "ls")
    told = _parse(read_comment(path) or "")
    beside = path.with_name(f"{path.name}.json")
    if told is None and beside.is_file():
        return read_record(beside.read_bytes()[: MAX_BYTES + 1], str(beside), beside.parent)
    if told is None:
        message = f"{path} carries no recipe, and there is no {beside.name} beside it"
        raise UsageError("no-recipe", message, f"skyreels show {quote(str(path))}")
    return _bundle(told, str(path), path.parent)


def read_record(content: bytes, where: str, folder: Path | None = None) -> Bundle:
    """The preset in what a film says about itself, as text; UsageError `no-recipe` or `bad-preset`."""
    told = _parse(content[: MAX_BYTES + 1].decode("utf-8", "replace"))
    if told is None:
        raise UsageError("no-recipe", f"{where} holds no recipe of a film", "skyreels show FILM.mp4")
    return _bundle(told, where, folder)


def is_record(content: bytes) -> bool:
    """Whether a text is what a film says about itself, not a preset in JSON."""
    return content.lstrip()[:1] == b"{" and _parse(content.decode("utf-8", "replace")) is not None


def preset_of(recipe: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
    """The values of a preset that makes the film of this recipe again."""
    said = {key: value for key, value in recipe.items() if value not in (None, [], {})}
    endless = recipe.get("num_frames", 0) is None
    said["shots"] = [_shot(shot) for shot in recipe.get("shots") or ()]
    if endless and not said["shots"]:
        said["duration"] = "inf"
    if not said["shots"]:
        del said["shots"]
    if name:
        said["name"] = name
    return said


def _shot(shot: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in shot.items() if value is not None}
    return said if "num_frames" in said else said | {"duration": "inf"}


def _bundle(told: Mapping[str, Any], where: str, folder: Path | None) -> Bundle:
    """The preset behind a record, checked as if somebody had written it."""
    try:
        recipe = migrate(told["recipe"])
        values = with_files(preset_of(recipe, _name(where)), lambda path: PureWindowsPath(path).name)
    except (NewerPresetError, AttributeError, TypeError, ValueError):
        raise UsageError(
            "no-recipe", f"{where} holds no recipe that this version reads", "pipx upgrade skyreels-cli"
        ) from None
    foreign = [key for key in recipe if key not in _RECIPE_KEYS]
    found = [(1, key, "unknown key of a recipe") for key in map(str, foreign)]
    found += [(1, problem.key, problem.message) for problem in find_problems(values, Preset)]
    if found:
        error = bad_preset(where, found)
        error.hint = f"skyreels show {quote(where)}"
        raise error
    text = PresetText(Preset.model_validate(values), where, YamlText(values))
    return Bundle(text, folder=folder)


_RECIPE_KEYS = {field.alias or name for name, field in Recipe.model_fields.items()}


def _parse(text: str) -> dict[str, Any] | None:
    """The record in a text, None if it is none."""
    if len(text) > MAX_BYTES:
        return None
    try:
        told = parse_json(text).values
    except BadYamlError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("recipe"), dict) else None


def _name(where: str) -> str | None:
    """A preset's name from a file's."""
    stem = Path(where).name.removesuffix(".json")
    stem = Path(stem).stem if Path(stem).suffix.lower() in FILMS else stem
    return WORDS.sub("-", stem).strip("-._+")[:60] or None
