"""A preset made fit to travel: its files by name and at hand, nothing in it that tells of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.recipe.inputs import portable
from skyreels_cli.recipe.presets.files import named_files, with_files
from skyreels_cli.recipe.presets.load import LoadedPreset
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.sharing.archive import MAX_UNPACKED, MEDIA

MAX_THUMBNAIL = 256 << 10


@dataclass(frozen=True)
class Portable:
    """What can be sent: a preset that extends none, and its files by the names that it uses for them."""

    preset: Preset
    files: Mapping[str, Path] = field(default_factory=dict)

    def contents(self) -> dict[str, bytes]:
        """The files' content; UsageError `file-not-found`, `files-too-large`."""
        contents = {}
        for name, path in self.files.items():
            try:
                if path.stat().st_size > MAX_UNPACKED:
                    raise _too_large()
                contents[name] = path.read_bytes()
            except OSError as error:
                message = f"the preset's file {path} cannot be read: {error.strerror or error}"
                raise UsageError("file-not-found", message, "name one that is there, or leave it out") from error
        if sum(map(len, contents.values())) > MAX_UNPACKED:
            raise _too_large()
        return contents


def make_portable(loaded: LoadedPreset, name: str | None = None) -> Portable:
    """The preset as it may leave this machine.

    Files and LoRA go by their names, a model in a folder of this machine too (who gets the preset must have it, or
    choose another); plugins from other packages are required by name and version.
    """
    flat = loaded.flat
    files: dict[str, Path] = {}
    names: dict[str, str] = {}
    for _, path in named_files(flat):
        names[path] = names.get(path) or _unused(path, files)
        files.setdefault(names[path], Path(path))
    values = with_files(flat.plain(), lambda path: names[path])
    if thumbnail := values.get("thumbnail"):
        _check_thumbnail(files[thumbnail])
    values = {key: value if key in TEXTS else portable(value) for key, value in values.items()}
    values["name"] = name or values.get("name")
    if needs := _plugins(flat):
        values.setdefault("requires", {}).setdefault("plugins", {}).update(needs)
    return Portable(Preset.model_validate(values), files)


TEXTS = ("prompt", "negative_prompt", "name", "title", "description", "author", "licence", "tags", "shots", "rerolls")
"""What people wrote goes as it is, and shots hold but texts and the files that have been renamed already."""


def _unused(path: str, taken: Mapping[str, Path]) -> str:
    """A file's own name, numbered if another file has it."""
    name = Path(path).name
    if Path(name).suffix.lower() not in MEDIA:
        message = f"{name} is neither a picture nor a video"
        raise UsageError("file-unsuitable", message, f"one of: {', '.join(MEDIA)}")
    stem, suffix, number = Path(name).stem, Path(name).suffix, 1
    while name.casefold() in (other.casefold() for other in taken):
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _check_thumbnail(path: Path) -> None:
    if path.is_file() and path.stat().st_size > MAX_THUMBNAIL:
        message = f"the thumbnail {path.name} is larger than {MAX_THUMBNAIL >> 10} KB"
        raise UsageError("files-too-large", message, "scale it down to 320 pixels")


def _plugins(preset: Preset) -> dict[str, str]:
    """The packages of plugins that do not come with the program, by the plugin's name."""
    chosen = {preset.scheduler, preset.cache, *(preset.options or {})} - {None}
    needs = {}
    for plugin in plugins().all:
        if plugin.state == "ready" and not plugin.entry.own:
            for spec in plugin.specs:
                if spec.name in chosen:
                    needs[spec.name] = f"{plugin.entry.package}>={plugin.entry.version}"
    return needs


def _too_large() -> UsageError:
    message = f"the preset's files are larger than {MAX_UNPACKED >> 20} MB"
    return UsageError("files-too-large", message, "scale them down")
