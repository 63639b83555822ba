"""The user's own presets: taken in, renamed, removed; every change is whole or not made at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ruamel.yaml.error import YAMLError

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.files import file_problems, named_files, with_files
from skyreels_cli.recipe.presets.find import SUFFIXES, own_preset
from skyreels_cli.recipe.presets.preset import NAME, Preset
from skyreels_cli.recipe.presets.read import read_file, read_preset
from skyreels_cli.recipe.presets.write import edited, refuse_clash, to_yaml, write_bytes


def checked_name(name: str) -> str:
    """A name for a preset; UsageError `bad-name`."""
    try:
        Preset.model_validate({"name": name})
    except ValueError:
        message = f"{name[:80]!r} cannot be a preset's name: letters, digits, dots and hyphens can, up to 64"
        raise UsageError("bad-name", message, "--name my-preset") from None
    return name


def free_name(wanted: str | None, fallback: str = "imported") -> str:
    """A name made from whatever a preset is called."""
    kept = "".join(char if char.isalnum() or char in ".+-_" else "-" for char in wanted or "").strip("-._+")
    return kept[:60] if NAME.fullmatch(kept[:60]) else fallback


def place_of(name: str, folder: Path) -> Path:
    """The file of a preset in a folder: one that is there, else the one that would be written."""
    there = (folder / f"{name}{suffix}" for suffix in SUFFIXES)
    return next((path for path in there if path.exists()), folder / f"{name}{SUFFIXES[0]}")


def save_preset(
    preset: Preset,
    name: str,
    folder: Path,
    *,
    files: Mapping[str, bytes] | None = None,
    raw: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a preset into a folder, its files into the folder `<name>` beside it; returns the preset's file.

    The comments of `raw`, the YAML that it was read from, are kept where that says the same.
    Raises UsageError `preset-exists`, `bad-name`, and `preset-not-written`.
    """
    there = place_of(checked_name(name), folder)
    refuse_clash(there, overwrite=overwrite)
    files = files or {}
    values = with_files(preset.plain() | {"name": name}, lambda file: f"{name}/{file}" if file in files else file)
    named = Preset.model_validate(values)
    for file, content in files.items():
        write_bytes(folder / name / file, content)
    path = folder / f"{name}{SUFFIXES[0]}"
    write_bytes(path, _text(named, raw).encode("utf-8"))
    if there != path:
        there.unlink(missing_ok=True)  # the same name in JSON, which has just been replaced
    return path


def rename_preset(name: str, new: str, folder: Path) -> Path:
    """Give an own preset another name, in its text too; those beside it that extend it follow.

    Raises UsageError `preset-not-found`, `preset-shipped`, `preset-exists`, `bad-name`.
    """
    old = own_preset(name, folder, "renamed")
    path = old.with_name(f"{checked_name(new)}{old.suffix}")
    refuse_clash(place_of(new, old.parent), overwrite=False)
    _rewrite(old, {"name": new}, path)
    old.unlink()
    for child in _children(old):
        _rewrite(child, {"extends": new if _extends(child) == name else path.name}, child)
    return path


def remove_preset(name: str, folder: Path) -> Path:
    """Delete an own preset and the files that came with it.

    Raises UsageError `preset-not-found`, `preset-shipped`, `preset-extended`.
    """
    path = own_preset(name, folder, "removed")
    if children := [child.stem for child in _children(path)]:
        message = f"{name} is extended by {', '.join(children)}"
        raise UsageError("preset-extended", message, f"skyreels preset remove {children[0]}")
    doomed = _files(path) - {file for other in _beside(path) for file in _files(other)}
    path.unlink()
    for file in doomed:
        (path.parent / file).unlink(missing_ok=True)
        with suppress(OSError):  # it holds something else
            (path.parent / file).parent.rmdir()
    return path


def _rewrite(source: Path, changes: Mapping[str, str], target: Path) -> None:
    text = edited(read_file(source).decode("utf-8-sig"), changes)
    read_preset(text.encode("utf-8"), str(target))
    write_bytes(target, text.encode("utf-8"))


def _text(preset: Preset, raw: str | None) -> str:
    if raw and not raw.lstrip().startswith("{"):  # JSON has no comments to keep
        with suppress(YAMLError, UsageError):
            text = edited(raw, {"schema": preset.schema_version, "name": preset.name})
            if read_preset(text.encode("utf-8"), "").preset == preset:
                return text
    return to_yaml(preset)


def _beside(preset: Path) -> list[Path]:
    return [path for path in sorted(preset.parent.iterdir()) if path.suffix in SUFFIXES and path != preset]


def _children(parent: Path) -> list[Path]:
    """Presets in the same folder that extend one."""
    return [path for path in _beside(parent) if _extends(path) in (parent.stem, parent.name)]


def _extends(path: Path) -> str | None:
    try:
        return read_preset(read_file(path), str(path)).preset.extends
    except UsageError:
        return None


def _files(path: Path) -> set[str]:
    """The files in folders below that a preset names: those came with it, others were there before."""
    try:
        preset = read_preset(read_file(path), str(path)).preset
    except UsageError:
        return set()
    bad = {place for place, _ in file_problems(preset, path.parent)}
    return {name for place, name in named_files(preset) if place not in bad and "/" in name}
