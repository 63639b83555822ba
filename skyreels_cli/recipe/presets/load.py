"""From what `--preset` names to a draft: a preset lies over the one that it extends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.presets.files import file_problems, is_inside, with_files
from skyreels_cli.recipe.presets.find import SUFFIXES, find_preset
from skyreels_cli.recipe.presets.preset import ABOUT, Preset, Requires
from skyreels_cli.recipe.presets.read import PresetText, bad_preset, read_file, read_preset
from skyreels_cli.recipe.presets.requirements import check_requirements
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.sharing.receive import is_shared, receive
from skyreels_cli.recipe.sharing.unpack import unpack

MAX_PARENTS = 8


@dataclass(frozen=True)
class Layer:
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
class Loaded:
    """A preset and those that it extends, the farthest first."""

    layers: tuple[Layer, ...]
    source: str

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
        """What to call it to somebody who named it: as he did, if that is shorter than a code."""
        return self.name if is_shared(self.source) else self.source

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


def load_preset(source: str, user_folder: Path | None = None) -> Draft:
    """The draft in a preset that is to be used."""
    return load_for_use(source, user_folder).draft


def load_for_use(source: str, user_folder: Path | None = None) -> Loaded:
    """A preset that is to be used: a name, a file, a share code, a URL, an archive, a film or `-` for stdin.

    Raises UsageError `preset-not-found`, `preset-requires` or, with `file:line: key: message` for everything that is
    wrong, `bad-preset`; PluginError `plugin-not-found` for a plugin that the preset requires; those of `receive`.
    """
    loaded = load(source, user_folder)
    check_requirements(loaded.requires, loaded.where)
    return loaded


def load(source: str, user_folder: Path | None = None) -> Loaded:
    """The same with all that its texts say, whether or not this installation meets what they require."""
    layers = [_first(source, user_folder)]
    while parent := layers[0].text.preset.extends:
        if len(layers) > MAX_PARENTS:
            message = f"{layers[-1].text.where} extends more than {MAX_PARENTS} presets, or itself"
            raise UsageError("bad-preset", message, f"edit {layers[-1].text.where}")
        layers.insert(0, _parent(parent, layers[0], user_folder))
    return Loaded(tuple(layers), source)


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


def _first(source: str, user_folder: Path | None) -> Layer:
    if is_shared(source):
        bundle = receive(source)
        folder = unpack(bundle, user_folder) if bundle.files else None
        return _checked(bundle.text, folder)
    path, _ = find_preset(source, user_folder)
    return _file(path)


def _parent(name: str, child: Layer, user_folder: Path | None) -> Layer:
    """The preset that another extends: of that name, or a file beside it."""
    if Path(name).suffix not in SUFFIXES:
        return _file(find_preset(name, user_folder)[0])
    if child.folder is None or not is_inside(name):
        message = f"extends: {name!r:.80} is neither the name of a preset nor a file beside this one"
        raise bad_preset(child.text.where, [(child.text.line("extends"), "", message)])
    return _file(find_preset(str(child.folder / name), user_folder)[0])


def _file(path: Path) -> Layer:
    return _checked(read_preset(read_file(path), str(path)), path.parent)


def _checked(text: PresetText, folder: Path | None) -> Layer:
    found = [(text.text.line(path), _key(path), message) for path, message in file_problems(text.preset, folder)]
    if found:
        raise bad_preset(text.where, found)
    return Layer(text, folder)


def _key(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))
