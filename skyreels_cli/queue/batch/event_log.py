"""Events of a renderer in a file that another machine reads while it grows.

NFS shows other machines what was written when the writer has closed the file and the reader opens it: both open it anew
each time. There is one writer, and it only appends.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# A file server serves many jobs.
SECONDS_PER_WRITE = 1.0
# How often a renderer that has nothing to tell gives a sign of life.
HEARTBEAT_SECONDS = 5.0
# A disk that is full may be emptied; the ending of a film is worth waiting for.
LAST_WRITE_SECONDS = 60.0


class EventLog:
    """Appends events in batches, at most one write a second; every few seconds `sample()` is among them.

    A write that fails (a full disk) is tried again: nothing is lost, and the film is not disturbed.
    """

    def __init__(
        self, path: Path, sample: Callable[[], Mapping[str, Any]], seconds_per_write: float = SECONDS_PER_WRITE
    ) -> None:
        self._path = path
        self._sample = sample
        self._pause = seconds_per_write
        self._write_at = 0.0
        self._waiting = _fresh_line(path)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def say(self, event: Mapping[str, Any]) -> None:
        """Have an event written soon."""
        with self._lock:
            self._waiting += json.dumps(event).encode() + b"\n"

    def close(self) -> bool:
        """Write what is left, whether all is written; a full disk is waited for, a folder that was removed is not."""
        self._closing.set()
        self._thread.join()
        until = time.monotonic() + LAST_WRITE_SECONDS
        while not self._write() and self._path.parent.exists() and time.monotonic() < until:
            pass
        return not self._waiting

    def _work(self) -> None:
        heartbeat_at = 0.0
        while not self._closing.is_set():
            if time.monotonic() >= heartbeat_at:
                heartbeat_at = time.monotonic() + HEARTBEAT_SECONDS
                self.say({"event": "heartbeat", "sample": self._sample()})
            self._write()
            self._closing.wait(self._pause)

    def _write(self) -> bool:
        """Append what waits; False if that failed and must be tried again."""
        time.sleep(max(0.0, self._write_at - time.monotonic()))
        with self._lock:
            text = self._waiting
        if not text:
            return True
        whole = _append(self._path, text)
        self._write_at = time.monotonic() + self._pause
        if not whole:
            return False
        with self._lock:
            self._waiting = self._waiting[len(text) :]
        return True


class EventReader:
    """Reads the events that have been added since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def has_more(self) -> bool:
        """Whether something has been written since the last look."""
        try:
            return self._path.stat().st_size > self._offset
        except OSError:
            return False

    def read(self) -> list[dict[str, Any]]:
        """New events; a line that is not complete yet waits for the next look."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                text = stream.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [event for line in whole.splitlines() if (event := _event(line))]


def _append(path: Path, text: bytes) -> bool:
    """Add to a file, durably and wholly or not at all."""
    try:
        with path.open("ab", buffering=0) as stream:
            size = stream.seek(0, os.SEEK_END)
            try:
                written = stream.write(text)
                os.fsync(stream.fileno())  # here NFS tells that the disk is full
            except OSError:
                written = 0
            if written < len(text):
                stream.truncate(size)
            return written == len(text)
    except OSError:
        return False


def _fresh_line(path: Path) -> bytes:
    """A line break if an earlier writer was killed within a line."""
    try:
        return b"" if path.read_bytes()[-1:] in (b"", b"\n") else b"\n"
    except OSError:
        return b""


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
