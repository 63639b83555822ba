"""The file behind the queue: SQLite in WAL mode, opened with care, every failure of it in plain words."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError
from skyreels_cli.queue.schema import MIGRATIONS

# Longer than any write of ours takes (the slowest, clearing 10,000 jobs, 0.3 s), for many writers queue up.
BUSY_SECONDS = 10.0
# With 8 processes that claim as quickly as they can, p99 of a claim is 0.34 s; with SQLite's own waiting 1.25 s.
RETRY_SECONDS = (0.0005, 0.004)
TRY_AGAIN = "try again in a moment"
# `UPDATE … RETURNING`; the oldest SQLite under a Python 3.11 that was seen in the wild is RHEL 8's 3.26.
OLDEST_SQLITE = (3, 35, 0)


class Database:
    """One connection, for one thread; nothing is changed by opening it but a missing or older schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            message = f"the queue needs SQLite 3.35, and this Python has {sqlite3.sqlite_version}"
            raise UsageError("sqlite-too-old", message, "uv tool install --python 3.12 skyreels-cli")
        with self._plain_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._inode = path.stat().st_ino
            self._prepare()

    def rows(self, query: str, *values: Any, **named: Any) -> list[sqlite3.Row]:
        """All rows of a SELECT."""
        with self._plain_errors():
            return self._connection.execute(query, named or values).fetchall()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its first moment; it is on disk once the block is left."""
        with self._plain_errors():
            self._begin()
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def data_version(self) -> int:
        """A number that changes whenever another connection has changed the database (4 µs)."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def replaced(self) -> bool:
        """Whether the file under this name is gone or another one than the file that is open."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def close(self) -> None:
        """Close the connection; the last one to close folds the WAL into the database."""
        self._connection.close()

    def _begin(self) -> None:
        """Wait for the write lock in short steps: SQLite's own grow to 100 ms, and whoever waits longest loses."""
        until = time.monotonic() + BUSY_SECONDS
        self._connection.execute("PRAGMA busy_timeout=0")
        try:
            while not self._locked_by_us():
                if time.monotonic() > until:
                    raise RetryableError("queue-busy", f"{self.path} is locked by another process", TRY_AGAIN)
                time.sleep(random.uniform(*RETRY_SECONDS))
        finally:
            self._connection.execute(f"PRAGMA busy_timeout={int(1000 * BUSY_SECONDS)}")

    def _locked_by_us(self) -> bool:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        return self._connection.in_transaction

    def _prepare(self) -> None:
        version = self._version()
        if version > len(MIGRATIONS):
            message = f"{self.path} belongs to a newer skyreels (its version is {version}, known are {len(MIGRATIONS)})"
            self.close()
            raise UsageError("queue-newer", message, "pipx upgrade skyreels-cli")
        if version == 0:
            self._connection.execute("PRAGMA journal_mode=WAL")
        # FULL: what `queue add` has acknowledged survives a power cut.
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        if version < len(MIGRATIONS):
            self._migrate()

    def _migrate(self) -> None:
        """Bring the schema up to date, version by version; whoever comes second finds it done."""
        with self.write() as connection:
            for version in range(self._version(), len(MIGRATIONS)):
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={version + 1}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise storage_error(error, self.path) from error
        except OSError as error:
            message = f"the queue's folder {self.path.parent} cannot be used: {error.strerror or error}"
            raise SkyreelsError("queue-unavailable", message, "SKYREELS_HOME=/a/folder/of/yours") from error


_FAILURES: dict[int, tuple[type[SkyreelsError], str, str, str]] = {
    sqlite3.SQLITE_BUSY: (
        RetryableError,
        "queue-busy",
        "{path} is locked by another process",
        TRY_AGAIN,
    ),
    sqlite3.SQLITE_READONLY: (
        SkyreelsError,
        "queue-read-only",
        "{path} may only be read",
        "chmod -R u+w {folder}",
    ),
    sqlite3.SQLITE_FULL: (SkyreelsError, "disk-full", "the disk is full: {path} cannot grow", "df -h {folder}"),
    sqlite3.SQLITE_IOERR: (
        SkyreelsError,
        "queue-io",
        "{path} cannot be read or written: is the disk full, over quota or failing?",
        "df -h {folder}",
    ),
    sqlite3.SQLITE_NOTADB: (SkyreelsError, "queue-damaged", "{path} is no database", "mv {path} {path}.damaged"),
    sqlite3.SQLITE_CORRUPT: (SkyreelsError, "queue-damaged", "{path} is damaged", "mv {path} {path}.damaged"),
    sqlite3.SQLITE_CANTOPEN: (
        SkyreelsError,
        "queue-unavailable",
        "{path} cannot be opened",
        "ls -l {folder}",
    ),
}


def storage_error(error: sqlite3.DatabaseError, path: Path) -> SkyreelsError:
    """What SQLite complains about, as one of our errors; nothing that was committed is lost by any of them."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of an extended code says more than is needed
    if code not in _FAILURES:
        message = f"the queue in {path} is not as this program left it"
        return SkyreelsError("queue-broken", message, "run the same command with --debug and report it")
    kind, name, message, hint = _FAILURES[code]
    return kind(name, message.format(path=path), hint.format(path=path, folder=path.parent))
