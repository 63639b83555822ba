"""Follows a text file that another machine appends to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# A job's log keeps 1 MB a part; what a library prints by the million lines is of no use to anybody.
MOST_BYTES = 256_000


class Tail:
    """Reads what has been added since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> Iterator[str]:
        """New text, at most 256 kB of it."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                text = stream.read(MOST_BYTES)
        except OSError:
            return
        self._offset += len(text)
        if text:
            yield text.decode(errors="replace")
