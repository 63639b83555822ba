"""What Ctrl-C means while a film is being made."""

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import Event as Flag
from types import FrameType, TracebackType
from typing import Self

from skyreels_cli.film.events import Event, FramesReady, WindowStarted


class Interrupts:
    """Once: an endless film ends with the window at hand, any other stops within a step. Once more: the next of these.

    Before the first window there is nothing to save or to end, so Ctrl-C simply interrupts.
    """

    def __init__(self, *, endless: bool, tell: Callable[[str], None]) -> None:
        self.ending = Flag()
        self._endless = endless
        self._tell = tell
        self._stopping = False
        self._under_way = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def heed(self, event: Event) -> None:
        """Raise KeyboardInterrupt where the film can stop without losing a step; a window being decoded is finished."""
        self._under_way = self._under_way or isinstance(event, WindowStarted)
        if self._stopping and not isinstance(event, FramesReady):
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._stopping or not self._under_way:
            raise KeyboardInterrupt
        if self._endless and not self.ending.is_set():
            self.ending.set()
            self._tell("the film ends with this window; Ctrl-C again stops now and leaves it resumable")
        else:
            self._stopping = True
            self._tell("stopping after this step; Ctrl-C again stops at once")
