"""What Ctrl-C, SIGTERM and the loss of the terminal mean, while a film is being made and at any other time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event as Flag
from types import FrameType, TracebackType
from typing import Any, Self

from skyreels_cli.film.events import Event, FramesReady, WindowStarted

Handler = Callable[[int, FrameType | None], Any]
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def ended_as_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: what it has open is closed, the terminal restored.

    SIGHUP stays ignored where it is (`nohup`). A second signal does not disturb what the first has begun.
    """
    seen: set[int] = set()

    def take(number: int, _frame: FrameType | None) -> None:
        if not seen:
            seen.add(number)
            raise KeyboardInterrupt

    with _handling(take, ENDING):
        yield


@contextmanager
def _handling(handler: Handler, numbers: tuple[int, ...]) -> Iterator[None]:
    """Have signals handled for the length of a block; only the main thread can, and ignored ones stay ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    taken = [number for number in numbers if number == signal.SIGINT or before[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])


class Interrupts:
    """Ctrl-C once: an endless film ends with the window at hand, any other stops within a step; again: the next one.

    SIGTERM and SIGHUP let any film stop within a step, however often they come. Before the first window there is
    nothing to save or to end, so each of them simply interrupts.
    """

    def __init__(self, *, endless: bool, tell: Callable[[str], None]) -> None:
        self.ending = Flag()
        self._endless = endless
        self._tell = tell
        self._stopping = False
        self._under_way = False

    def __enter__(self) -> Self:
        self._handling = _handling(self._take, (signal.SIGINT, *ENDING))
        self._handling.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handling.__exit__(None, None, None)

    def heed(self, event: Event) -> None:
        """Raise KeyboardInterrupt where the film can stop without losing a step; a window being decoded is finished."""
        self._under_way = self._under_way or isinstance(event, WindowStarted)
        if self._stopping and not isinstance(event, FramesReady):
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        asked_to_leave = number != signal.SIGINT
        if self._stopping and asked_to_leave:
            return
        if self._stopping or not self._under_way:
            self._stopping = True  # code that swallows the exception is stopped at the next event
            raise KeyboardInterrupt
        if self._endless and not asked_to_leave and not self.ending.is_set():
            self.ending.set()
            self._say("the film ends with this window; Ctrl-C again stops now and leaves it resumable")
        else:
            self._stopping = True
            self._say("stopping after this step; Ctrl-C again stops at once")

    def _say(self, text: str) -> None:
        with suppress(RuntimeError):  # the signal came while the same stream was being written to
            self._tell(text)
