"""Deletes a film with all that lies beside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.film.folder.process import HOLDER, describe_holder, is_held
from skyreels_cli.film.identity import sidecar_of
from skyreels_cli.film.retakes import RetakeStore


@dataclass(frozen=True)
class FilmRemoval:
    """A film to delete: its files, its work folder, and how many bytes that frees."""

    film: Path
    files: tuple[Path, ...]
    folder: Path | None
    frees: int

    @classmethod
    def of(cls, film: Path) -> Self:
        """What is to be deleted; UsageError `film-busy` while a process makes the film."""
        folder = work_folder(film)
        if is_held(folder / HOLDER):
            holder = describe_holder(folder / HOLDER)
            raise UsageError("film-busy", f"{film} is being worked on by {holder}", "wait for it, or stop it")
        files = tuple(file for file in (film, sidecar_of(film)) if file.is_file())
        inside = [file for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in (*files, *inside))
        return cls(film, files, folder if folder.is_dir() else None, size)

    @property
    def what(self) -> list[str]:
        """What will be gone, in words."""
        named = ["the film" if file == self.film else "what is known of it" for file in self.files]
        return [*named, *(["its unfinished work"] if self.folder else [])]

    def carry_out(self) -> None:
        """Delete it, the film last, so that what is left of it after a failure is still found."""
        RetakeStore.here().forget(self.film)
        if self.folder:
            shutil.rmtree(self.folder)
        for file in reversed(self.files):
            file.unlink(missing_ok=True)
