"""From what `--preset` names, whatever that is, to a preset that can be used."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.recipe.presets.find import find_preset
from skyreels_cli.recipe.presets.load import LoadedPreset, PresetLayer, checked_layer, read_layer, with_parents
from skyreels_cli.recipe.presets.requirements import check_requirements
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.sharing.receive import is_shared, receive
from skyreels_cli.recipe.sharing.unpack import unpack


def load_preset(source: str, user_folder: Path | None = None) -> Draft:
    """The draft in a preset that is to be used."""
    return load_for_use(source, user_folder).draft


def load_for_use(source: str, user_folder: Path | None = None) -> LoadedPreset:
    """A preset that is to be used: a name, a file, a share code, a URL, an archive, a film or `-` for stdin.

    Raises UsageError `preset-not-found`, `preset-requires` or, with `file:line: key: message` for everything that is
    wrong, `bad-preset`; PluginError `plugin-not-found` for a plugin that the preset requires; those of `receive`.
    """
    loaded = load(source, user_folder)
    check_requirements(loaded.requires, loaded.where)
    return loaded


def load(source: str, user_folder: Path | None = None) -> LoadedPreset:
    """The same preset, whether or not this installation meets what it requires."""
    if is_shared(source):
        return with_parents(_received(source, user_folder), user_folder)
    path, _ = find_preset(source, user_folder)
    return with_parents(read_layer(path), user_folder, source)


def _received(source: str, user_folder: Path | None) -> PresetLayer:
    bundle = receive(source)
    return checked_layer(bundle.text, unpack(bundle, user_folder) if bundle.files else bundle.folder)
