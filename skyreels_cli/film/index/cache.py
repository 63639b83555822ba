"""What was read of each video, kept until its file changes: 10,000 films are listed without opening one.

The files themselves are the truth; the cache may be deleted at any time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from skyreels_cli.film.index.found import FoundFilm

VERSION = 1
_TABLE = "CREATE TABLE IF NOT EXISTS videos (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, film TEXT) WITHOUT ROWID"

CachedFilm = tuple[str, FoundFilm | None]
"""The stamp of a file when it was read, and the film in it, None if it is none of ours."""


class FilmCache:
    """A table in SQLite; where it cannot be used, films are read again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection = self._open()

    def known(self) -> dict[str, tuple[str, str | None]]:
        """Of each video its stamp, and the film as a line."""
        if self._connection is None:
            return {}
        try:
            return {path: (stamp, film) for path, stamp, film in self._connection.execute("SELECT * FROM videos")}
        except sqlite3.Error:
            return {}

    def keep(self, read: Mapping[str, CachedFilm], gone: Iterable[str]) -> None:
        """Remember what was read, forget what is gone."""
        if self._connection is None:
            return
        rows = [(path, stamp, film and film.to_line()) for path, (stamp, film) in read.items()]
        try:
            with self._connection as connection:
                connection.executemany("DELETE FROM videos WHERE path = ?", [(path,) for path in gone])
                connection.executemany("INSERT OR REPLACE INTO videos VALUES (?, ?, ?)", rows)
        except sqlite3.Error:
            return

    def _open(self) -> sqlite3.Connection | None:
        """The table, made anew if the file is damaged or of another version."""
        for _ in range(2):
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                connection = sqlite3.connect(self._file, timeout=5.0)
                if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
                    raise sqlite3.DatabaseError
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA user_version = {VERSION}")
            except (sqlite3.Error, OSError):
                self._discard()
            else:
                return connection
        return None

    def _discard(self) -> None:
        try:
            self._file.unlink(missing_ok=True)
        except OSError:
            return
