"""Entries of the catalogue: what is known of a model before a byte of it is fetched. Data, checked by pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SourceName = Literal["hf", "modelscope"]
LayoutName = Literal["diffusers", "original"]
Bytes = Annotated[int, Field(ge=0)]


class CatalogueItem(BaseModel):
    """A part of the catalogue; a misspelled key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NamedEntry(CatalogueItem):
    """An entry that people call by its alias."""

    alias: str


class Licence(CatalogueItem):
    """Under what the weights are published; `url` is where it can be read."""

    name: str
    url: str


class Part(CatalogueItem):
    """A component that releases share: its config in Diffusers or transformers, and the number of its parameters."""

    config: dict[str, Any]
    parameters: Annotated[int, Field(ge=1)]


class StoredPart(CatalogueItem):
    """The weights of one component in a repository: which files, and their bytes together.

    `path` is a pattern (`transformer/*.safetensors`), of files of `dtype`. Bytes that are `estimated` are parameters
    times the size of that dtype, without headers.
    """

    part: str
    path: str
    shards: Annotated[int, Field(ge=1)] = 1
    dtype: str
    bytes: Bytes
    estimated: bool = True


class Layout(CatalogueItem):
    """The files of a release as one kind of reader wants them, and the repository that has them on each hub."""

    name: LayoutName
    repositories: Annotated[dict[SourceName, str], Field(min_length=1)]
    files: tuple[StoredPart, ...]

    @property
    def bytes(self) -> int:
        """All weights together."""
        return sum(file.bytes for file in self.files)

    @property
    def index(self) -> str:
        """A file that each repository of this layout has."""
        return "model_index.json" if self.name == "diffusers" else "config.json"


class Recommended(CatalogueItem):
    """What the authors recommend for the model."""

    resolution: str
    num_frames: int
    fps: int
    inference_steps: int
    guidance_scale: float
    shift: float


class Release(NamedEntry):
    """A published model: its family, its size, the resolution that it was made for, its parts and its files.

    `reference_peak_bytes` is what its authors state as the peak of their own code at 540P with offloading.
    """

    family: str
    parameters: str
    native: str
    licence: str
    parts: dict[str, str]
    layouts: Annotated[tuple[Layout, ...], Field(min_length=1)]
    recommended: Recommended
    reference_peak_bytes: int | None = None

    @property
    def repo(self) -> str:
        """The first of its repositories, which is its name in a recipe: on Hugging Face in Diffusers layout."""
        return next(iter(self.layouts[0].repositories.values()))

    def layout(self, name: LayoutName) -> Layout:
        """The layout of that name; KeyError if it was not published so."""
        for layout in self.layouts:
            if layout.name == name:
                return layout
        raise KeyError(name)

    @property
    def repositories(self) -> set[str]:
        """Every repository that holds it."""
        return {repo for layout in self.layouts for repo in layout.repositories.values()}


class Announced(NamedEntry):
    """A model that its authors announced and never released, and the nearest that exists; `alias` is a pattern."""

    nearest: str

    def means(self, alias: str) -> bool:
        """Whether it goes by this name."""
        return fnmatchcase(alias, self.alias)


class CommunityFile(NamedEntry):
    """A transformer in one file, published by somebody else; the other parts are those of the release `base`.

    `unreadable` says why it cannot be rendered with, if so.
    """

    repo: str
    file: str
    base: str
    dtype: str
    bytes: Bytes
    estimated: bool = True
    unreadable: str | None = None


class Catalogue(CatalogueItem):
    """A file of the catalogue; several are read as one."""

    licences: Mapping[str, Licence] = {}
    parts: Mapping[str, Part] = {}
    releases: tuple[Release, ...] = ()
    announced: tuple[Announced, ...] = ()
    community: tuple[CommunityFile, ...] = ()

    @property
    def named(self) -> tuple[NamedEntry, ...]:
        """What can be downloaded by its alias."""
        return (*self.releases, *self.community)

    def joined(self, other: Catalogue) -> Catalogue:
        """Both; an entry of the other replaces one of the same alias."""
        theirs = {entry.alias for entry in other.named}
        return Catalogue(
            licences={**self.licences, **other.licences},
            parts={**self.parts, **other.parts},
            releases=(*(entry for entry in self.releases if entry.alias not in theirs), *other.releases),
            announced=(*self.announced, *other.announced),
            community=(*(entry for entry in self.community if entry.alias not in theirs), *other.community),
        )
