"""What a download will fetch, decided before a byte of weights: which files, what is here already, the room for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.download.failures import hub_failures
from skyreels_cli.hub.download.huggingface import HuggingFace
from skyreels_cli.hub.download.listing import HubClient, Listing, RemoteFile, needed_files
from skyreels_cli.hub.download.modelscope import ModelScope
from skyreels_cli.hub.download.record import DownloadRecord, records
from skyreels_cli.hub.download.wanted import Fetch
from skyreels_cli.hub.entry import LayoutName, SourceName
from skyreels_cli.hub.places import free_bytes
from skyreels_cli.output import byte_size

SOURCES: dict[SourceName, HubClient] = {"hf": HuggingFace(), "modelscope": ModelScope()}
WEIGHTS = (".safetensors", ".pth", ".gguf")


@dataclass(frozen=True)
class PlannedFile:
    """A file and the bytes of it that are here."""

    remote: RemoteFile
    present: int = 0

    @property
    def missing(self) -> int:
        """Bytes to fetch."""
        return max(0, self.remote.size - self.present)


@dataclass(frozen=True)
class DownloadPlan:
    """The files of a download, the folder where they come to lie, and the free bytes there.

    `estimated`: the hub was not asked, and the files are those of the catalogue. `record` is of a former download.
    """

    wanted: Fetch
    listing: Listing
    layout: LayoutName
    folder: Path
    files: tuple[PlannedFile, ...]
    free: int
    estimated: bool = False
    record: DownloadRecord | None = None

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.remote.size for file in self.files)

    @property
    def missing(self) -> int:
        """Bytes to fetch."""
        return sum(file.missing for file in self.files)

    @property
    def complete(self) -> bool:
        """Whether all of it is here, from a download that came to its end."""
        return self.record is not None and self.record.complete and not self.missing

    @property
    def source(self) -> HubClient:
        """The hub that it comes from."""
        return SOURCES[self.listing.source]

    def require_space(self) -> None:
        """Raise UsageError `disk-too-small` if what is missing does not fit."""
        if self.missing > self.free:
            message = (
                f"{self.wanted.model} needs {byte_size(self.missing)} more, and the disk of {self.folder} has "
                f"{byte_size(self.free)} free"
            )
            hint = f"skyreels download {self.wanted.model} --to /A/LARGER/DISK/{Path(self.wanted.repo).name}"
            raise UsageError("disk-too-small", message, hint)


def plan_download(want: Fetch) -> DownloadPlan:
    """Ask the hub, unless all of it is here; what was begun, or is damaged, is completed at its revision.

    Raises what `hub_failures` raises, and UsageError `model-incomplete` if the repository lacks a part.
    """
    before = _last_record(want)
    if before and before.complete and not _lacking(want, before.listing):
        return _plan(want, before.listing, before)
    pinned = before.revision if before and not before.complete else None
    with hub_failures(want):
        listing = SOURCES[want.source].listing(want.repo, pinned)
    if lacking := _lacking(want, listing):
        message = f"{want.repo} has no {' and no '.join(lacking)} that can be read here"
        raise UsageError("model-incomplete", message, "skyreels download --list")
    return _plan(want, listing, before)


def plan_from_catalogue(want: Fetch) -> DownloadPlan | None:
    """The plan of a model of the catalogue without asking anybody: weights only, in estimated sizes."""
    if want.release is None:
        return None
    layout = want.layout or "diffusers"
    stored = [file for file in want.release.layout(layout).files if file.part in want.parts]
    files = tuple(RemoteFile(file.path, file.bytes) for file in stored)
    listing = Listing(want.source, want.repo, "main", files)
    folder = SOURCES[want.source].folder(listing, want.to)
    return DownloadPlan(want, listing, layout, folder, tuple(map(PlannedFile, files)), free_bytes(folder), True)


def _last_record(want: Fetch) -> DownloadRecord | None:
    for record in records():
        same_place = record.folder == want.to if want.to else not record.into_folder
        if (record.source, record.repo) == (want.source, want.repo) and same_place:
            return record
    return None


def _lacking(want: Fetch, listing: Listing) -> list[str]:
    """The parts of which a listing has no weights."""
    layout = want.layout or listing.layout
    if want.file:
        return [] if listing.matching([want.file]) else [want.file]
    weights = {
        part: [name for name in needed_files(layout, [part]) if name.endswith(WEIGHTS)] for part in want.required
    }
    return [part for part, names in weights.items() if not listing.matching(names)]


def _plan(want: Fetch, listing: Listing, record: DownloadRecord | None) -> DownloadPlan:
    source, layout = SOURCES[listing.source], want.layout or listing.layout
    files = listing.matching(want.patterns(layout))
    folder = source.folder(listing, want.to)
    planned = tuple(PlannedFile(file, source.present(listing, file, want.to)) for file in files)
    same = record if record and record.folder == folder else None
    return DownloadPlan(want, listing, layout, folder, planned, free_bytes(folder), record=same)
