"""Whether the files of a model are what the hub has: by hash, or by size and header in a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.hub.download.record import DownloadRecord, RecordedFile
from skyreels_cli.hub.hashes import has_content
from skyreels_cli.hub.headers import read_weights_header

Finding = Literal["ok", "missing", "size", "content", "header", "unknown"]
READABLE = (".safetensors", ".pth", ".gguf")


@dataclass(frozen=True)
class CheckedFile:
    """A file and what was found: `unknown` where nothing says what should be in it."""

    path: str
    finding: Finding

    @property
    def damaged(self) -> bool:
        """Whether it must be fetched again."""
        return self.finding not in ("ok", "unknown")


def check_files(folder: Path, record: DownloadRecord | None, *, hashes: bool = True) -> Iterator[CheckedFile]:
    """Check each file that was downloaded; without a record those that are there, by the names of their blobs.

    With `hashes` false only sizes are compared and headers read.
    """
    for path, expected in (record.files if record else _cached_files(folder)).items():
        yield CheckedFile(path, _finding(folder / path, expected, hashes))


def _finding(file: Path, expected: RecordedFile | None, hashes: bool) -> Finding:
    if not file.is_file():
        return "missing"
    if expected and expected.size >= 0 and file.stat().st_size != expected.size:
        return "size"
    if hashes and expected and (expected.sha256 or expected.blob):
        return "ok" if has_content(file, expected.sha256, expected.blob) else "content"
    if file.suffix not in READABLE:
        return "ok" if expected else "unknown"
    try:
        read_weights_header(file)
    except SkyreelsError:
        return "header"
    return "ok" if expected else "unknown"


def _cached_files(folder: Path) -> dict[str, RecordedFile | None]:
    """What lies in a folder; in Hugging Face's cache the name of each blob is its hash."""
    files = [
        file for file in sorted(folder.rglob("*")) if file.is_file() and ".cache" not in file.parts[len(folder.parts) :]
    ]
    return {file.relative_to(folder).as_posix(): _named(file.resolve()) for file in files}


def _named(blob: Path) -> RecordedFile | None:
    if blob.parent.name != "blobs":
        return None
    size = blob.stat().st_size
    if re.fullmatch(r"[0-9a-f]{64}", blob.name):
        return RecordedFile(size=size, sha256=blob.name)
    return RecordedFile(size=size, blob=blob.name) if re.fullmatch(r"[0-9a-f]{40}", blob.name) else None


def discard(folder: Path, path: str) -> None:
    """Delete a damaged file, and the content behind its link."""
    file = folder / path
    for place in (file.resolve(), file):
        with suppress(FileNotFoundError):
            place.unlink()
