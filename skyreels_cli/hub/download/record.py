"""What was downloaded, where it lies and what it should be: one file for each folder that downloads went to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from skyreels_cli.hub.download.listing import Listing, RemoteFile
from skyreels_cli.hub.entry import LayoutName, SourceName
from skyreels_cli.paths import folders


class RecordedFile(BaseModel):
    """A file as the hub lists it."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str | None = None
    blob: str | None = None


class DownloadRecord(BaseModel):
    """A download: begun before its first byte, and `finished` with its last.

    `parts` are the components that were wanted, `into_folder` says whether a folder was asked for.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    source: SourceName
    repo: str
    revision: str
    layout: LayoutName
    parts: tuple[str, ...]
    folder: Path
    into_folder: bool
    files: dict[str, RecordedFile]
    licence: str | None = None
    begun: datetime
    finished: datetime | None = None

    @property
    def missing(self) -> list[str]:
        """Files that are not there in full."""
        return [path for path, file in self.files.items() if _size(self.folder / path) != file.size]

    @property
    def complete(self) -> bool:
        """Whether the download came to its end and all of it is still there."""
        return self.finished is not None and not self.missing

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.size for file in self.files.values())

    @property
    def listing(self) -> Listing:
        """What the hub said then."""
        files = tuple(RemoteFile(path=path, **file.model_dump()) for path, file in self.files.items())
        return Listing(self.source, self.repo, self.revision, files, self.licence)

    def save(self) -> None:
        """Write it, in one piece."""
        place = _place(self.folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_suffix(f".{datetime.now().timestamp()}.new")  # noqa: DTZ005 - a unique name
        new.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        new.replace(place)

    def forget(self) -> None:
        """Remove it."""
        _place(self.folder).unlink(missing_ok=True)


def _size(file: Path) -> int | None:
    with suppress(OSError):
        return file.stat().st_size
    return None


def _place(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
    return folders().models / "downloads" / f"{name}.json"


def record_of(folder: Path) -> DownloadRecord | None:
    """The record of the download into a folder; None if there was none."""
    return _read(_place(folder))


def records() -> Iterator[DownloadRecord]:
    """All records, the newest first."""
    found = [record for file in (folders().models / "downloads").glob("*.json") if (record := _read(file))]
    return iter(sorted(found, key=lambda record: record.begun, reverse=True))


def _read(file: Path) -> DownloadRecord | None:
    with suppress(OSError, ValidationError):
        return DownloadRecord.model_validate_json(file.read_bytes())
    return None


def begun_record(listing: Listing, files: tuple[RemoteFile, ...], **said: Any) -> DownloadRecord:
    """The record of a download that begins now."""
    recorded = {file.path: RecordedFile(size=file.size, sha256=file.sha256, blob=file.blob) for file in files}
    return DownloadRecord(
        source=listing.source,
        repo=listing.repo,
        revision=listing.revision,
        licence=listing.licence,
        files=recorded,
        begun=datetime.now().astimezone(),
        **said,
    )
