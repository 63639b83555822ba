"""The models that are on this machine: where, how large, complete or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skyreels_cli.errors import SkyreelsError, UsageError, did_you_mean
from skyreels_cli.hub.catalogue import bundled_models, catalogue, find_release
from skyreels_cli.hub.download.record import DownloadRecord, record_of, records
from skyreels_cli.hub.located import HubModel, find_hub_model
from skyreels_cli.hub.open import open_place
from skyreels_cli.hub.places import modelscope_caches

ModelOrigin = Literal["bundled", "hf", "modelscope"]


@dataclass(frozen=True)
class StoredModel:
    """A model in one place of this machine; `problem` says what it lacks, if it cannot be rendered with."""

    name: str
    origin: ModelOrigin
    folder: Path
    bytes: int
    problem: str | None = None
    record: DownloadRecord | None = None

    @property
    def revision(self) -> str | None:
        """The commit or branch, where it is known."""
        if self.record:
            return self.record.revision
        return self.folder.name if self.folder.parent.name == "snapshots" else None

    def means(self, name: str) -> bool:
        """Whether it goes by this name, or by one of its repositories'."""
        hub = find_hub_model(name) if self.origin != "bundled" else None
        return name in (self.name, str(self.folder)) or (hub is not None and hub.alias == self.name)


def stored_models() -> Iterator[StoredModel]:
    """Bundled models, recorded downloads, and models of the catalogue that another program put into a cache."""
    for name, folder in bundled_models().items():
        yield StoredModel(name, "bundled", folder, _size(folder))
    known: set[Path] = set()
    for record in records():
        if record.folder.exists():
            known.add(record.folder)
            yield _recorded(record)
    for model in _of_catalogue():
        for place in model.places():
            if place not in known and record_of(place) is None:
                known.add(place)
                yield _found(model, place)


def find_stored(name: str) -> StoredModel:
    """The model of that name, the complete one if there are several; UsageError `model-not-here`."""
    models = list(stored_models())
    fitting = sorted((model for model in models if model.means(name)), key=lambda model: model.problem is not None)
    if fitting:
        return fitting[0]
    if hub := find_hub_model(name):
        raise hub.not_here()
    near = did_you_mean(name, [model.name for model in models])
    raise UsageError("model-not-found", f"there is no model {name} on this machine{near}", "skyreels models list")


def _of_catalogue() -> Iterator[HubModel]:
    for release in catalogue().releases:
        yield HubModel(release.repo, release)
    for file in catalogue().community:
        yield HubModel(file.alias, find_release(file.base), file)


def _recorded(record: DownloadRecord) -> StoredModel:
    problem = None
    if record.finished is None:
        problem = "its download is not finished"
    elif missing := record.missing:
        problem = f"lacks {len(missing)} of {len(record.files)} files: {missing[0]}"
    elif "transformer" not in record.parts:
        problem = f"only its {', '.join(record.parts)}, for a --base"
    return StoredModel(record.model, record.source, record.folder, _size(record.folder), problem, record)


def _found(model: HubModel, place: Path) -> StoredModel:
    """What another program downloaded."""
    problem = None
    try:
        open_place(place, model, absent=True)
    except SkyreelsError as error:
        problem = error.message
    from_modelscope = any(place.is_relative_to(cache) for cache in modelscope_caches())
    return StoredModel(model.alias, "modelscope" if from_modelscope else "hf", place, _size(place), problem)


def _size(place: Path) -> int:
    """Bytes of the files behind the links of a folder."""
    total = 0
    for file in [place] if place.is_file() else place.rglob("*"):
        with suppress(OSError):
            total += file.stat().st_size if file.is_file() else 0
    return total
