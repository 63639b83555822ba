"""A preset that is about to be imported: all that it would do, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skyreels_cli.recipe.presets.files import FILE_KEYS, named_files, with_files
from skyreels_cli.recipe.presets.find import find_preset
from skyreels_cli.recipe.presets.load import PresetLayer, checked_layer, with_parents
from skyreels_cli.recipe.presets.preset import Preset
from skyreels_cli.recipe.presets.read import read_file, read_preset
from skyreels_cli.recipe.presets.requirements import Unmet, unmet
from skyreels_cli.recipe.presets.store import free_name, save_preset
from skyreels_cli.recipe.sharing.archive import MAX_UNPACKED
from skyreels_cli.recipe.sharing.bundle import Bundle
from skyreels_cli.recipe.sharing.portable import make_portable
from skyreels_cli.recipe.sharing.receive import is_shared, receive


@dataclass(frozen=True)
class Incoming:
    """A preset, the files that come with it, those that it names and that do not, and what is not installed."""

    preset: Preset
    where: str
    files: Mapping[str, bytes]
    missing: tuple[str, ...]
    unmet: tuple[Unmet, ...]
    raw: str | None = None

    @property
    def name(self) -> str:
        """What it would be called."""
        return free_name(self.preset.name or Path(self.where).stem)

    def save(self, name: str, folder: Path, *, overwrite: bool) -> Path:
        """Take it in under a name; what it names and did not come is left out of it."""
        return save_preset(self.preset, name, folder, files=self.files, raw=self.raw, overwrite=overwrite)


def look_at(source: str, user_folder: Path) -> Incoming:
    """What importing this would do; raises what `receive` and reading a preset raise."""
    bundle = receive(source) if is_shared(source) else _file(find_preset(source, user_folder)[0])
    if bundle.text.preset.extends:
        return _whole(bundle, user_folder)
    files, missing = _contents(bundle)
    preset = bundle.text.preset
    if missing:
        values = with_files(preset.plain(), lambda name: "" if name in missing else name)
        preset = Preset.model_validate(_without_empty(values))
    raw = bundle.text.raw if not (files or missing) else None
    return Incoming(preset, bundle.text.where, files, tuple(missing), tuple(unmet(preset.requires)), raw)


def _whole(bundle: Bundle, user_folder: Path) -> Incoming:
    """A preset together with what it extends, for that need not be here tomorrow."""
    loaded = with_parents(PresetLayer(bundle.text, bundle.folder), user_folder)
    portable = make_portable(loaded)
    files = portable.contents() | dict(bundle.files)
    return Incoming(portable.preset, bundle.text.where, files, (), tuple(unmet(portable.preset.requires)))


def _file(path: Path) -> Bundle:
    return Bundle(read_preset(read_file(path), str(path)), folder=path.parent)


def _contents(bundle: Bundle) -> tuple[dict[str, bytes], list[str]]:
    """The content of each file that is named, and the names of those that are not at hand."""
    found, missing = {}, []
    if not bundle.files:
        checked_layer(bundle.text, bundle.folder)
    for _, name in named_files(bundle.text.preset):
        content = bundle.files.get(name) if bundle.files else _read(bundle.folder, name)
        if content is None:
            missing.append(name)
        else:
            found[name] = content
    return found, missing


def _read(folder: Path | None, name: str) -> bytes | None:
    path = (folder or Path()) / name
    try:
        return path.read_bytes() if path.stat().st_size <= MAX_UNPACKED else None
    except OSError:
        return None


def _without_empty(values: dict[str, object]) -> dict[str, object]:
    """The values without the files that were emptied; an empty negative prompt says something."""
    kept = {key: value for key, value in values.items() if value or key not in FILE_KEYS}
    if isinstance(shots := kept.get("shots"), list):
        kept["shots"] = [_without_empty(shot) for shot in shots]
    return kept
