"""Hashes of files, computed once: a file is taken for the same while its size and its time of change are.

A model of 40 GB takes minutes to read; without memory every film, and every resumed one, would wait for it.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from skyreels_cli.paths import folders


def sha256_of_content(file: Path) -> str:
    """SHA-256 of what is in a file now, read from the first byte to the last; it is remembered."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    remember(file, digest)
    return digest


def git_blob_of(file: Path) -> str:
    """The name that git has for a file's content."""
    digest = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def has_content(file: Path, sha256: str | None, blob: str | None) -> bool:
    """Whether a file has the content that a hub names by SHA-256, or by git's name; true where it names none."""
    if sha256:
        return sha256_of_content(file) == sha256
    return blob is None or git_blob_of(file) == blob


def remembered(file: Path) -> str | None:
    """The SHA-256 that was computed when the file had the size and the time that it has now."""
    known = _read(_memory()).get(str(file.resolve()))
    return known["sha256"] if known and known["stamp"] == _stamp(file) else None


def remember(file: Path, sha256: str) -> None:
    """Remember a hash; a folder that cannot be written to costs only time later."""
    memory = _memory()
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{memory}.lock"):
            known = {path: entry for path, entry in _read(memory).items() if os.path.exists(path)}  # noqa: PTH110
            known[str(file.resolve())] = {"sha256": sha256, "stamp": _stamp(file)}
            new = memory.with_suffix(".new")
            new.write_text(json.dumps(known, indent=1), encoding="utf-8")
            new.replace(memory)


def _memory() -> Path:
    return folders().models / "hashes.json"


def _read(memory: Path) -> dict[str, Any]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _stamp(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
