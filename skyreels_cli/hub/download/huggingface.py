"""Hugging Face, through huggingface_hub, into its cache or into a folder.

From 2.0 on, the library's own download begins a file again after a process was stopped: it writes to a temporary file
of its own and deletes that when it fails. A shard has 5 GB, so here the bytes go to a file that stays, through the
library's `http_get`, which asks for the rest; the library then only links the finished file into its cache. Whoever
sets HF_XET_HIGH_PERFORMANCE has a line that is worth more than resuming, and gets the library's own way (xet).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.download.listing import Advance, Listing, RemoteFile
from skyreels_cli.hub.entry import SourceName
from skyreels_cli.hub.hashes import has_content
from skyreels_cli.hub.places import hugging_face_caches

PIECE_BYTES = 1_000_000
"""The library writes in pieces of 10 MB: at 1 MB/s bars would stand still, and Ctrl-C wait, for 10 s."""


class HuggingFace:
    """The hub behind HF_ENDPOINT; a token comes from HF_TOKEN or `hf auth login`."""

    name: SourceName = "hf"

    def listing(self, repo: str, revision: str | None = None) -> Listing:
        """Sizes and hashes of all files, at the commit that `revision` (default: main) is now."""
        from huggingface_hub import HfApi

        info = HfApi().model_info(repo, revision=revision, files_metadata=True)
        files = tuple(
            RemoteFile(
                path=entry.rfilename,
                size=entry.size or 0,
                sha256=entry.lfs.sha256 if entry.lfs else None,
                blob=entry.blob_id,
            )
            for entry in info.siblings or ()
        )
        return Listing(self.name, repo, info.sha or "main", files, _licence(info))

    def folder(self, listing: Listing, to: Path | None) -> Path:
        """The snapshot of the commit in the cache, or the folder that was asked for."""
        return to or self._storage(listing) / "snapshots" / listing.revision

    def present(self, listing: Listing, file: RemoteFile, to: Path | None) -> int:
        """Bytes of the finished file, else of the unfinished one."""
        content, unfinished = self._content(listing, file, to), self._unfinished(listing, file, to)
        place = content if content.is_file() else unfinished
        return place.stat().st_size if place.is_file() else 0

    def fetch(self, listing: Listing, file: RemoteFile, to: Path | None, advance: Advance) -> Path:
        """Go on with the file and check it; in the cache the library links it to its name."""
        content = self._content(listing, file, to)
        if os.environ.get("HF_XET_HIGH_PERFORMANCE") and to is None:
            return self._link(listing, file, advance)
        with self._lock(listing, file, to):
            if not (content.is_file() and content.stat().st_size == file.size):
                self._complete(listing, file, to, advance)
        return content if to else self._link(listing, file, advance)

    def finish(self, listing: Listing, to: Path | None) -> None:
        """From now on other programs find this commit as the newest one, and none of them half a model."""
        if to is None:
            newest = self._storage(listing) / "refs" / "main"
            newest.parent.mkdir(parents=True, exist_ok=True)
            newest.write_text(listing.revision, encoding="utf-8")

    def _complete(self, listing: Listing, file: RemoteFile, to: Path | None, advance: Advance) -> None:
        content, unfinished = self._content(listing, file, to), self._unfinished(listing, file, to)
        for folder in (content.parent, unfinished.parent):
            folder.mkdir(parents=True, exist_ok=True)
        _receive(listing, file, unfinished, advance)
        if not has_content(unfinished, file.sha256, file.blob):
            advance(-file.size)
            unfinished.unlink()
            message = f"{file.path} of {listing.repo} arrived damaged: its hash is not the hub's"
            raise OSError(message)  # worth another attempt
        unfinished.replace(content)

    def _link(self, listing: Listing, file: RemoteFile, advance: Advance) -> Path:
        from huggingface_hub import hf_hub_download

        cache = hugging_face_caches()[0]
        meter = _meter(advance)
        return Path(
            hf_hub_download(listing.repo, file.path, revision=listing.revision, cache_dir=cache, tqdm_class=meter)
        )

    def _storage(self, listing: Listing) -> Path:
        return hugging_face_caches()[0] / f"models--{listing.repo.replace('/', '--')}"

    def _content(self, listing: Listing, file: RemoteFile, to: Path | None) -> Path:
        return to / file.path if to else self._storage(listing) / "blobs" / file.etag

    def _unfinished(self, listing: Listing, file: RemoteFile, to: Path | None) -> Path:
        if to:
            return to / ".cache" / "huggingface" / "download" / f"{file.etag}.incomplete"
        return self._storage(listing) / "blobs" / f"{file.etag}.incomplete"

    @contextmanager
    def _lock(self, listing: Listing, file: RemoteFile, to: Path | None) -> Iterator[None]:
        """The lock that the library takes, so that it and other downloads of the file wait."""
        from filelock import FileLock

        cache = to / ".cache" / "huggingface" if to else hugging_face_caches()[0]
        lock = cache / ".locks" / self._storage(listing).name / f"{file.etag}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            yield


def _receive(listing: Listing, file: RemoteFile, unfinished: Path, advance: Advance) -> None:
    """Append what is lacking; what is longer than the file is no part of it."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # documented

    if unfinished.is_file() and unfinished.stat().st_size > file.size:
        unfinished.unlink()
    url = hf_hub_url(listing.repo, file.path, revision=listing.revision)
    metadata = get_hf_file_metadata(url)
    if metadata.size not in (None, file.size):
        message = f"{file.path} of {listing.repo} has {metadata.size} bytes where its listing says {file.size}"
        raise UsageError("model-changed", message, f"skyreels download {listing.repo}")
    headers = build_hf_headers()
    if metadata.location != url:  # elsewhere the token is nobody's business
        headers.pop("authorization", None)
    constants.DOWNLOAD_CHUNK_SIZE = min(constants.DOWNLOAD_CHUNK_SIZE, PIECE_BYTES)
    with unfinished.open("ab", buffering=0) as stream:
        http_get(
            metadata.location,
            stream,  # unbuffered, so that a kill loses nothing
            resume_size=stream.tell(),
            headers=headers,
            expected_size=file.size,
            displayed_filename=file.path,
            tqdm_class=_meter(advance),
        )


def _meter(advance: Advance) -> Any:
    """A class that stands in for tqdm's and passes on what it is told."""
    from tqdm import tqdm

    class Meter(tqdm):  # type: ignore[misc]
        """Counts without drawing."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            advance(int(n or 0))
            return None

    return Meter


def _licence(info: Any) -> str | None:
    card = info.card_data
    named = (card.get("license_name") or card.get("license")) if card else None
    return str(named) if named else None
