"""From a preset's text to a draft: it lies over the preset that it extends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.presets.files import file_problems, is_inside, with_files
from skyreels_cli.recipe.presets.find import SUFFIXES, find_preset
from skyreels_cli.recipe.presets.preset import ABOUT, NAME, Preset, Requires
from skyreels_cli.recipe.presets.read import PresetText, bad_preset, read_file, read_preset
from skyreels_cli.recipe.schema import Draft

MAX_PARENTS = 8


@dataclass(frozen=True)
class PresetLayer:
    """One preset text and the folder of its files."""

    text: PresetText
    folder: Path | None

    @property
    def draft(self) -> Draft:
        """What it says, its files by absolute paths."""
        folder = self.folder.absolute() if self.folder else Path()
        values = self.text.preset.draft.model_dump(by_alias=True, exclude_none=True)
        return Draft.model_validate(with_files(values, lambda name: str(folder / name)))


@dataclass(frozen=True)
class LoadedPreset:
    """A preset and those that it extends, the farthest first."""

    layers: tuple[PresetLayer, ...]
    typed: str | None = None

    @property
    def preset(self) -> Preset:
        """The preset itself."""
        return self.layers[-1].text.preset

    @property
    def name(self) -> str:
        """The preset's own name, else that of the place where it was found."""
        return self.preset.name or Path(self.where).stem

    @property
    def called(self) -> str:
        """What to call it to somebody who named it: as it was typed, if that was a name or a path."""
        return self.typed or self.name

    @property
    def where(self) -> str:
        """Where it was found, for messages."""
        return self.layers[-1].text.where

    @property
    def draft(self) -> Draft:
        """What they say together."""
        return merge(*(layer.draft for layer in self.layers))

    @property
    def requires(self) -> Requires | None:
        """What they need together."""
        needs = [layer.text.preset.requires for layer in self.layers]
        said: dict[str, Any] = {}
        for need in needs:
            for key, value in need.model_dump(exclude_defaults=True).items() if need else ():
                said[key] = {**said.get(key, {}), **value} if isinstance(value, dict) else value
        return Requires.model_validate(said) if said else None

    @property
    def flat(self) -> Preset:
        """The same as one preset that extends none, its files by absolute paths."""
        about = {key: getattr(self.preset, key) for key in ABOUT if key not in ("extends", "requires")}
        if about["thumbnail"]:
            folder = self.layers[-1].folder
            about["thumbnail"] = str(folder.absolute() / about["thumbnail"]) if folder else None
        said = self.draft.model_dump(by_alias=True, exclude_none=True)
        return Preset.model_validate(said | about | {"requires": self.requires})

    def origins(self) -> dict[str, tuple[Any, str]]:
        """Each value that is set, and the file and line that set it."""
        said = self.draft.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {key: (value, self._origin(key)) for key, value in said.items() if key != "schema"}

    def _origin(self, key: str) -> str:
        texts = [layer.text for layer in reversed(self.layers) if key in layer.text.text.values]
        return f"{texts[0].where}:{texts[0].line(key)}" if texts else self.where


def with_parents(first: PresetLayer, user_folder: Path | None, typed: str | None = None) -> LoadedPreset:
    """A preset with all that it extends."""
    layers = [first]
    while parent := layers[0].text.preset.extends:
        if len(layers) > MAX_PARENTS:
            message = f"{first.text.where} extends more than {MAX_PARENTS} presets, or itself"
            raise UsageError("bad-preset", message, f"edit {first.text.where}")
        layers.insert(0, _parent(parent, layers[0], user_folder))
    return LoadedPreset(tuple(layers), typed)


def read_layer(path: Path) -> PresetLayer:
    """The preset in a file."""
    return checked_layer(read_preset(read_file(path), str(path)), path.parent)


def checked_layer(text: PresetText, folder: Path | None) -> PresetLayer:
    """A preset whose files lie in a folder; UsageError `bad-preset` if it names others."""
    found = [
        (text.text.line(place), ".".join(map(str, place)), message)
        for place, message in file_problems(text.preset, folder)
    ]
    if found:
        raise bad_preset(text.where, found)
    return PresetLayer(text, folder)


def load_shots(path: Path) -> Draft:
    """The draft in a `--shots` file: a preset that has `shots:`, or nothing but the list of them.

    Raises UsageError `shots-not-found` or, like a preset, `bad-preset`.
    """
    if not path.exists():
        raise UsageError("shots-not-found", f"there is no file {path}", "--shots FILE.yaml")
    draft = load_words(path, list_key="shots")
    if not draft.shots:
        raise bad_preset(str(path), [(1, "", "there are no `shots:` in it")])
    return draft


def load_words(path: Path, *, list_key: str | None = None) -> Draft:
    """The draft in a file that does not travel: its pictures may lie anywhere; UsageError `bad-preset`."""
    text = read_preset(read_file(path), str(path), list_key=list_key)
    folder = path.absolute().parent
    values = text.preset.draft.model_dump(by_alias=True, exclude_none=True)
    return Draft.model_validate(with_files(values, lambda name: str(folder / Path(name).expanduser())))


def _parent(name: str, child: PresetLayer, user_folder: Path | None) -> PresetLayer:
    """The preset that another extends: of that name, or a file beside it."""
    beside = Path(name).suffix in SUFFIXES
    if not beside and NAME.fullmatch(name):
        return read_layer(find_preset(name, user_folder)[0])
    if not beside or child.folder is None or not is_inside(name):
        message = f"extends: {name!r:.80} is neither the name of a preset nor a file beside this one"
        raise bad_preset(child.text.where, [(child.text.line("extends"), "", message)])
    return read_layer(find_preset(str(child.folder / name), user_folder)[0])
