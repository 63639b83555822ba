"""What each window of a film has on disk: its encoded frames, its record, and its state while it is in progress."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from skyreels_cli.film.background import Background
from skyreels_cli.film.delivery import Delivery
from skyreels_cli.film.folder.durable import replacing
from skyreels_cli.film.folder.preview import Preview
from skyreels_cli.film.folder.work import WorkFolder
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.look import Look, LookMeter
from skyreels_cli.model.vae import to_bytes
from skyreels_cli.plan.plan import Window


class OpenPiece:
    """Encoded `frames` of one window on their way to a file, which is whole and has its name once it is closed.

    As a context manager it throws the file away if an exception passes through, and else leaves it open.
    """

    def __init__(self, window: int, path: Path, delivery: Delivery) -> None:
        self.window = window
        self.path = path
        self.frames = 0
        self._meter = LookMeter()
        self._files = ExitStack()
        with ExitStack() as files:
            partial = files.enter_context(replacing(path))
            self._encoder = files.enter_context(delivery.encoder(partial))
            self._files = files.pop_all()

    def write(self, frames: Tensor) -> None:
        """Encode frames in [-1, 1], `(3, n, H, W)`."""
        pixels = to_bytes(frames).cpu().numpy()
        self._encoder.write(pixels)
        self.frames += len(pixels)
        self._meter.add(pixels[-1])  # of four frames one tells enough

    def look(self) -> Look:
        """How its frames look so far."""
        return self._meter.look()

    def close(self) -> None:
        """Wait for the encoder, flush the file and give it its name."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind:
            self._files.__exit__(kind, error, trace)


class WindowFiles:
    """Writes and reads the files of windows in the work folder; finished windows are recorded in the `background`."""

    def __init__(self, rendering: Rendering, work: WorkFolder, delivery: Delivery, background: Background) -> None:
        self._plan = rendering.plan
        self._work = work
        self._delivery = delivery
        self._background = background
        self._preview = Preview(work, rendering.recipe.codec)
        self._first_look: Look | None = None

    def path(self, window: int) -> Path:
        """Where the encoded frames of a window lie."""
        return self._work.piece(window, self._delivery.piece_suffix)

    def begin(self, window: int) -> OpenPiece:
        """The file for the frames of a window."""
        return OpenPiece(window, self.path(window), self._delivery)

    def commit(self, piece: OpenPiece, window: Window, seconds: float, history: dict[str, Any]) -> None:
        """Have the piece closed, its window recorded and the preview brought up to date, in this order.

        `history` is what the next window needs of the film so far.
        """
        before = [known for index in range(piece.window) if (known := self._plan.window(index))]
        pieces = [(self.path(known.index), known.new_frames) for known in [*before, window]]
        record = {"window": piece.window, "seconds": seconds, "look": asdict(piece.look())}
        if window == self._plan.closed_by(window.index):
            record["closing"] = True

        def commit() -> None:
            piece.close()
            self._work.commit_window(piece.window, piece.path, history, record)
            self._preview.show(pieces, self._delivery.shape.fps)

        self._background.run(commit)

    def history(self, window: int) -> dict[str, Any]:
        """What a finished window has left to the next one."""
        history: dict[str, Any] = self._work.history(window)
        return history

    def checkpoint(self, window: int) -> dict[str, Any] | None:
        """The state of a window in progress, if there is one that is undamaged."""
        return self._work.checkpoint(window)

    def write_checkpoint(self, window: int, row: int, state: dict[str, Any]) -> None:
        """Keep the window in progress as it is after a row."""
        self._background.wait()  # recording the window before removes the checkpoint that there is
        self._work.write_checkpoint(window, row, state)

    def drift(self, piece: OpenPiece) -> dict[str, float]:
        """How much a piece differs in its look from the film's first window."""
        if self._first_look is None:
            self._first_look = piece.look() if piece.window == 0 else Look(**self._work.looks()[0])
        return piece.look().against(self._first_look)
