"""A log per job, with notes of the worker and the output of the renderer, rotated so that it stays small."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock

MAX_BYTES = 1_000_000
OLDER_PARTS = 3
TAIL_BYTES = 65_536


class JobLog:
    """Appends to `<id>.log`; full parts become `.1`, `.2`, `.3`. Never raises: a full disk must not stop a film."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()  # the worker and the reader of the renderer's stderr both write

    def note(self, text: str) -> None:
        """Append a line of the worker's own, with the time."""
        self.write(f"[{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}] {text}\n")

    def write(self, text: str) -> None:
        """Append text as it is."""
        with self._lock, suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size + len(text) > MAX_BYTES:
                self._rotate()
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(text)

    def _rotate(self) -> None:
        for number in range(OLDER_PARTS, 0, -1):
            part = _part(self.path, number - 1)
            if part.exists():
                part.replace(_part(self.path, number))


def read_log(path: Path) -> str:
    """All that is kept of a log, oldest first."""
    parts = [_part(path, number) for number in range(OLDER_PARTS, -1, -1)]
    return "".join(part.read_text(encoding="utf-8", errors="replace") for part in parts if part.exists())


class LogFollower:
    """Gives out a log as it grows, also where its full part gives way to a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = self._read = 0

    def more(self) -> str:
        """What was written since the last call; at first all that there is."""
        try:
            inode = self._path.stat().st_ino
        except OSError:
            return ""
        before = b""
        if not self._inode:
            before = b"".join(_rest(_part(self._path, number)) for number in range(OLDER_PARTS, 0, -1))
        elif inode != self._inode:
            before, self._read = _rest(_part(self._path, 1), self._read), 0
        content = _rest(self._path, self._read)
        self._inode, self._read = inode, self._read + len(content)
        return (before + content).decode(errors="replace")


def _rest(part: Path, since: int = 0) -> bytes:
    try:
        with part.open("rb") as stream:
            stream.seek(since)
            return stream.read()
    except OSError:
        return b""


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a log, from at most the last 64 kB of each of its parts."""
    lines: list[str] = []
    for number in range(OLDER_PARTS + 1):
        if len(lines) < count:
            lines = _tail(_part(path, number)) + lines
    return lines[-count:]


def _tail(part: Path) -> list[str]:
    try:
        with part.open("rb") as stream:
            stream.seek(max(0, part.stat().st_size - TAIL_BYTES))
            return stream.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def _part(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
