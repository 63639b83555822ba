"""The film so far, playable while the rest is being made."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.durable import replacing
from skyreels_cli.film.work import WorkFolder
from skyreels_cli.media.join import copy_pieces


class Preview:
    """Keeps `preview.mp4` (`.mkv` for ffv1) at the last finished window, in the background; losing it costs nothing."""

    def __init__(self, work: WorkFolder, codec: str) -> None:
        self._path = work.path / ("preview.mkv" if codec == "ffv1" else "preview.mp4")
        self._thread: threading.Thread | None = None

    def show(self, pieces: Sequence[Path]) -> None:
        """Replace the preview by these pieces, once the one before is done."""
        self._wait()
        self._thread = threading.Thread(target=self._write, args=(list(pieces),), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait()

    def _write(self, pieces: Sequence[Path]) -> None:
        try:
            with replacing(self._path) as partial:
                copy_pieces(pieces, partial)
        except (OSError, SkyreelsError):
            return  # the film itself is safe; it will say so if the disk is in trouble

    def _wait(self) -> None:
        if self._thread:
            self._thread.join()
