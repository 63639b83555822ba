"""ModelScope, through its own client, into that client's cache or into a folder."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.download.listing import Advance, Listing, RemoteFile
from skyreels_cli.hub.entry import SourceName
from skyreels_cli.hub.places import modelscope_caches

if TYPE_CHECKING:
    from modelscope_hub import HubApi

BRANCH = "master"


class ModelScope:
    """The hub behind MODELSCOPE_ENDPOINT; a token comes from MODELSCOPE_API_TOKEN or `modelscope login`."""

    name: SourceName = "modelscope"

    def listing(self, repo: str, revision: str | None = None) -> Listing:
        """Sizes and SHA-256 of all files. A branch is no pin, but the hashes are."""
        revision = revision or BRANCH
        entries = client().list_repo_files(repo, "model", revision=revision)
        files = tuple(
            RemoteFile(path=entry.path, size=entry.size or 0, sha256=entry.sha256 or None)
            for entry in entries
            if entry.type != "tree"
        )
        return Listing(self.name, repo, revision, files)

    def folder(self, listing: Listing, to: Path | None) -> Path:
        """The snapshot of the branch in the client's cache, or the folder that was asked for."""
        name = listing.repo.replace("/", "--")
        return to or modelscope_caches()[0] / "models" / name / "snapshots" / listing.revision

    def present(self, listing: Listing, file: RemoteFile, to: Path | None) -> int:
        """Bytes of the finished file, else of the unfinished one."""
        content = self.folder(listing, to) / file.path
        place = content if content.is_file() else content.with_name(content.name + ".incomplete")
        return place.stat().st_size if place.is_file() else 0

    def fetch(self, listing: Listing, file: RemoteFile, to: Path | None, advance: Advance) -> Path:
        """The client goes on with what is there, checks the hash and renames."""
        if self.present(listing, file, to) == file.size and (self.folder(listing, to) / file.path).is_file():
            return self.folder(listing, to) / file.path
        content: Path = client().downloader.download_file(
            listing.repo,
            "model",
            file.path,
            revision=listing.revision,
            cache_dir=modelscope_caches()[0],
            local_dir=to,
            expected_sha256=file.sha256,
            file_size=file.size,
            progress_callbacks=[_callback(advance, self.present(listing, file, to))],
        )
        return content

    def finish(self, listing: Listing, to: Path | None) -> None:
        """The client needs nothing more."""


@cache
def client() -> HubApi:
    """The client, without its own bars; UsageError `extra-missing` if it is not installed."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        from modelscope_hub import HubApi, HubConfig
    except ImportError as missing:
        message = "ModelScope's client is not installed"
        raise UsageError("extra-missing", message, "pip install 'skyreels-cli[modelscope]'") from missing
    return HubApi(HubConfig())  # its default one keeps what the environment was when it was first asked


def _callback(advance: Advance, already: int) -> Any:
    """A class of the client's callbacks that passes on what it is told, but for what was there before."""
    from modelscope_hub import ProgressCallback

    class CallbackMeter(ProgressCallback):  # type: ignore[misc]
        """Counts without drawing; what the client reports first is the part that it resumes."""

        resumed = already

        def update(self, size: int) -> None:
            told, self.resumed = min(max(size, 0), self.resumed), max(0, self.resumed - max(size, 0))
            advance(size - told)

        def end(self) -> None:
            """Nothing to close."""

    return CallbackMeter
