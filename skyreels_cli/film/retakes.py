"""What a finished film leaves behind so that its end can be made again: the state after each window, not the frames.

It lies in the state folder by what the film is (`film_key`), so that it is found wherever the film has been moved to.
A window of 540P leaves 3 MB.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from skyreels_cli.film.folder.durable import write_json
from skyreels_cli.film.folder.manifest import MANIFEST, read_manifest, work_folder
from skyreels_cli.film.identity import film_key, identity_of
from skyreels_cli.paths import folders
from skyreels_cli.settings import load_settings

PATTERNS = ("w[0-9]*.json", "w[0-9]*.safetensors")
DAY, MEGABYTE = 86_400, 1_000_000


@dataclass(frozen=True)
class RetakeStore:
    """Such leftovers of many films; each is kept for so many days, all together take so many megabytes at most."""

    folder: Path
    days: float
    megabytes: float

    @classmethod
    def here(cls) -> RetakeStore:
        """The one of this machine, as its settings want it."""
        settings = load_settings()
        return cls(folders().retakes, settings.retake_days, settings.retake_mb)

    def keep(self, work: Path, manifest: Mapping[str, Any]) -> None:
        """Take over what the work folder of a film has; a disk that has no room for it must not fail the film."""
        if self.days <= 0 or self.megabytes <= 0:
            return
        partial, kept = self.folder / f".{uuid4().hex[:8]}", self.folder / film_key(manifest)
        with suppress(OSError):
            partial.mkdir(parents=True)
            for file in (file for pattern in PATTERNS for file in work.glob(pattern)):
                shutil.copy2(file, partial / file.name)
            write_json(partial / MANIFEST, manifest)
            shutil.rmtree(kept, ignore_errors=True)
            partial.replace(kept)
        shutil.rmtree(partial, ignore_errors=True)
        self._prune()

    def find(self, film: Path) -> Path | None:
        """Where the state of a finished film lies: its work folder if that was kept, else the store's; None if gone."""
        made = identity_of(film)
        if made is None:
            return None
        beside = work_folder(film)
        if film_key(read_manifest(beside) or {}) == film_key(made):
            return beside
        kept = self.folder / film_key(made)
        return kept if read_manifest(kept) else None

    def forget(self, film: Path) -> None:
        """Delete what a film has left."""
        if made := identity_of(film):
            shutil.rmtree(self.folder / film_key(made), ignore_errors=True)

    def _prune(self) -> None:
        """Delete what is too old, then the oldest until the rest is small enough."""
        aged = sorted((folder.stat().st_mtime, folder) for folder in self.folder.glob("[!.]*"))
        room = self.megabytes * MEGABYTE
        for changed, folder in reversed(aged):
            room -= sum(file.stat().st_size for file in folder.iterdir())
            if room < 0 or time.time() - changed > self.days * DAY:
                shutil.rmtree(folder, ignore_errors=True)
