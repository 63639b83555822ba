"""Pictures and videos that jobs start from, copied beside the queue under their content's hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import IO, Any
from uuid import uuid4

from skyreels_cli.errors import SkyreelsError, UsageError

PREFIX = "asset:"
FIELDS = ("image", "end_image", "video")
"""Names of draft fields, also of those of a shot, that hold the path of a file to keep."""

# An asset is copied before the job that needs it is written; within this time nobody may call it unused.
SPARE_SECONDS = 3600


class Assets:
    """The folder `assets/<sha256>/<name>`; the name is the file's own, so that a film's recipe reads well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take_in(self, draft: dict[str, Any]) -> dict[str, Any]:
        """The draft with each file copied in and its path replaced by `asset:<sha256>/<name>`."""
        return _mapped(draft, lambda value: value if value.startswith(PREFIX) else PREFIX + self._keep(Path(value)))

    def resolve(self, draft: dict[str, Any]) -> dict[str, Any]:
        """The draft with each `asset:` replaced by the path of the copy."""
        return _mapped(
            draft,
            lambda value: str(self.path(value.removeprefix(PREFIX))) if value.startswith(PREFIX) else value,
        )

    def path(self, key: str) -> Path:
        """Where the asset `<sha256>/<name>` lies."""
        return self.folder / key

    def unpack(self, stream: IO[bytes], sha256: str, name: str) -> None:
        """Take in a file from an archive; ValueError if its content is not what its name says."""
        with stream:
            self._store(stream, name, sha256)

    def _keep(self, source: Path) -> str:
        """Copy a file in; returns `<sha256>/<name>`."""
        source = source.expanduser()
        try:
            with source.open("rb") as stream:
                return self._store(stream, source.name)
        except FileNotFoundError as missing:
            raise UsageError("asset-not-found", f"there is no file {source}", "check its path") from missing
        except OSError as error:
            message = f"{source} cannot be copied into the queue: {error.strerror or error}"
            raise SkyreelsError("asset-not-kept", message, f"df -h {quote(str(self.folder))}") from error

    def _store(self, stream: IO[bytes], name: str, expected: str | None = None) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f".{uuid4().hex}.partial"
        try:
            sha256 = _copy(stream, partial)
            if expected not in (None, sha256):
                raise ValueError(f"{name} is damaged: its SHA-256 is {sha256}, not {expected}")
            kept = self.path(f"{sha256}/{name}")
            kept.parent.mkdir(exist_ok=True)
            partial.replace(kept)
            os.utime(kept.parent)
        finally:
            partial.unlink(missing_ok=True)
        return f"{sha256}/{name}"

    def remove_unused(self, drafts: Iterable[dict[str, Any]]) -> None:
        """Delete what none of these drafts needs; call it with the write lock held, so that none is added."""
        used = {key.partition("/")[0] for draft in drafts for key in asset_keys(draft)}
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.name not in used and time.time() - folder.stat().st_mtime > SPARE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True) if folder.is_dir() else folder.unlink(missing_ok=True)


def asset_keys(draft: dict[str, Any]) -> set[str]:
    """`<sha256>/<name>` of every asset in a stored draft."""
    return {value.removeprefix(PREFIX) for value in _values(draft) if value.startswith(PREFIX)}


def _copy(reader: IO[bytes], target: Path) -> str:
    """Copy durably, hashing on the way."""
    sha256 = hashlib.sha256()
    with target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            sha256.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return sha256.hexdigest()


def _mapped(draft: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A copy of a draft in which each file's path is changed, those of its shots too."""
    return {name: _changed(name, value, change) for name, value in draft.items()}


def _changed(name: str, value: Any, change: Callable[[str], str]) -> Any:
    if name in FIELDS and isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(inner, change) if isinstance(inner, dict) else inner for inner in value]
    return value


def _values(draft: dict[str, Any]) -> Iterator[str]:
    found: list[str] = []
    _mapped(draft, lambda value: found.append(value) or value)  # type: ignore[func-returns-value]
    yield from found
