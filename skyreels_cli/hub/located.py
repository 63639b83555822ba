"""Models of the catalogue and of hubs: where they lie on this machine, and the error where they do not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.catalogue import find_community_file, find_release
from skyreels_cli.hub.download.record import records
from skyreels_cli.hub.entry import CommunityFile, Layout, Release
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.places import hugging_face_caches, modelscope_caches
from skyreels_cli.output import byte_size

REVISION = "master"
"""ModelScope's main branch."""


class ModelNotHere(UsageError):
    """A model that would have to be fetched first: `model` as `download` takes it, and `only` these parts of it."""

    model: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class HubModel:
    """A model on a hub: a release, a community file, or any repository; `name` is what recipes call it."""

    name: str
    release: Release | None = None
    file: CommunityFile | None = None

    @property
    def alias(self) -> str:
        """What people call it."""
        return self.release.alias if self.release and not self.file else self.name

    def places(self) -> Iterator[Path]:
        """Folders (of a community file the file) where it may lie, completely or not, the likeliest first."""
        for record in records():
            if record.model == self.alias or record.repo == self.name:
                yield record.folder / self.file.file if self.file else record.folder
        if self.file:
            yield from _cached(self.file.repo, self.file.file)
        elif self.release:
            for layout in self.release.layouts:
                yield from _places_of(layout)
        else:
            yield from _cached(self.name, "model_index.json")

    def not_here(self, only: Collection[str] = ()) -> ModelNotHere:
        """The error for a model that is not here, or only in part."""
        what = f"the {', '.join(only)} of {self.alias}" if only else self.alias
        size = f": about {byte_size(self.bytes(only))} to fetch" if self.release else ""
        error = ModelNotHere("model-not-here", f"{what} is not on this machine{size}", self.command(only))
        error.model, error.only = self.alias, tuple(only)
        return error

    def command(self, only: Collection[str] = ()) -> str:
        """What fetches it, or some parts of it."""
        return " ".join(["skyreels download", self.alias, *(f"--only {part}" for part in only)])

    def bytes(self, only: Collection[str] = ()) -> int:
        """Size of the weights by the catalogue, of all parts or of some."""
        if self.file:
            return self.file.bytes
        layouts = self.release.layouts if self.release else ()
        return sum(stored.bytes for layout in layouts[:1] for stored in layout.files if not only or stored.part in only)


def find_hub_model(model: str) -> HubModel | None:
    """The model that a hub has under this name, as far as the name tells; UsageError `model-never-released`."""
    if file := find_community_file(model):
        return HubModel(file.alias, find_release(file.base), file)
    if release := find_release(model):
        return HubModel(release.repo, release)
    return HubModel(model) if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", model) else None


def to_fetch(facts: ModelFacts) -> dict[str, Any] | None:
    """What a film needs first: `model`, `bytes` by the catalogue and the `command` that fetches it; None if nothing.

    Of a community file the other parts come from its release.
    """
    model = find_hub_model(facts.absent) if facts.absent else None
    if model is None:
        return None
    lacking = [component.name for component in facts.components if not component.files]
    wanted = [(model, () if len(lacking) == len(facts.components) else lacking)]
    if model.file and model.release:
        base = HubModel(model.release.repo, model.release)
        wanted = [(model, ()), (base, [part for part in lacking if part != "transformer"])]
    return {
        "model": model.alias,
        "bytes": sum(each.bytes(only) for each, only in wanted),
        "command": " && ".join(each.command(only) for each, only in wanted),
    }


def _places_of(layout: Layout) -> Iterator[Path]:
    """Where both hubs' clients keep the repositories of a layout."""
    if repo := layout.repositories.get("hf"):
        yield from _cached(repo, layout.index)
    if repo := layout.repositories.get("modelscope"):
        for cache in modelscope_caches():
            folder = cache / "models" / repo.replace("/", "--") / "snapshots" / REVISION
            if folder.is_dir():
                yield folder


def _cached(repo: str, file: str) -> Iterator[Path]:
    """The snapshots in Hugging Face's caches that have this file, or the file itself if it is of weights."""
    from huggingface_hub import try_to_load_from_cache

    for cache in hugging_face_caches():
        found = try_to_load_from_cache(repo, file, cache_dir=cache)
        if isinstance(found, str):
            yield Path(found).parent if file.endswith(".json") else Path(found)
