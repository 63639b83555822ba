"""Deletes a model from this machine, and tells before what that frees."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.download.record import DownloadRecord
from skyreels_cli.hub.inventory import StoredModel


@dataclass(frozen=True)
class Removal:
    """What goes: a folder's downloaded files, or a revision in Hugging Face's cache, whose shared blobs stay."""

    model: StoredModel
    frees: int
    strategy: Any = None

    def carry_out(self) -> None:
        """Delete it; there is no way back but another download."""
        record = self.model.record
        if self.strategy is not None:
            self.strategy.execute()
        elif record is not None and record.into_folder:
            _remove_files(record)
        elif self.model.folder.is_dir():
            shutil.rmtree(self.model.folder)
        else:
            self.model.folder.unlink(missing_ok=True)
        if record is not None:
            record.forget()


def plan_removal(model: StoredModel) -> Removal:
    """What deleting a model would free; UsageError `model-bundled` for one that came with a package."""
    if model.origin == "bundled":
        message = f"{model.name} came with a package, which would miss it"
        raise UsageError("model-bundled", message, "skyreels plugins list")
    if model.origin == "hf" and not (model.record and model.record.into_folder):
        return _from_cache(model)
    return Removal(model, model.bytes)


def _from_cache(model: StoredModel) -> Removal:
    """The library knows which blobs other revisions use."""
    from huggingface_hub import scan_cache_dir

    snapshot = next(parent for parent in (model.folder, *model.folder.parents) if parent.parent.name == "snapshots")
    strategy = scan_cache_dir(snapshot.parents[2]).delete_revisions(snapshot.name)
    return Removal(model, strategy.expected_freed_size, strategy)


def _remove_files(record: DownloadRecord) -> None:
    """Only what was downloaded: whatever else lies in the folder is somebody's own."""
    for path in record.files:
        (record.folder / path).unlink(missing_ok=True)
    shutil.rmtree(record.folder / ".cache" / "huggingface", ignore_errors=True)
    folders = sorted({parent for path in record.files for parent in (record.folder / path).parents})
    for folder in reversed([*folders, record.folder / ".cache"]):
        if folder.is_relative_to(record.folder) and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
