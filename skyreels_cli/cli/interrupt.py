"""What Ctrl-C, SIGTERM and the loss of the terminal mean, while a film is being made and at any other time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Event as Flag
from types import FrameType, TracebackType
from typing import Any, Self

from skyreels_cli.film.events import Event, FilmDone, FramesReady, WindowStarted

Handler = Callable[[int, FrameType | None], Any]
# Loading a model takes minutes, and a process that is told to end is killed after ten seconds in a container.
PATIENCE = 1.0
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class ToldToEnd(KeyboardInterrupt):
    """A KeyboardInterrupt of our own.

    Where a plain one passes an `exec` (each dataclass is made by one), `python -m` ends by SIGINT instead of with the
    exit code, even if it was caught.
    """


@contextmanager
def ended_as_interrupted() -> Iterator[set[int]]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: what it has open is closed, the terminal restored.

    Yields the signals that came, for a library may turn the KeyboardInterrupt into an error of its own (pydantic does
    while it builds a schema). SIGHUP stays ignored where it is (`nohup`), SIGINT too (a script's `&`). A second SIGTERM
    or SIGHUP does not disturb what the first has begun.
    """
    seen: set[int] = set()

    def take(number: int, _frame: FrameType | None) -> None:
        disturbs = bool(seen) and number != signal.SIGINT
        seen.add(number)
        if not disturbs:
            raise ToldToEnd

    ctrl_c = (signal.SIGINT,) if signal.getsignal(signal.SIGINT) is signal.default_int_handler else ()
    with _handling(take, (*ctrl_c, *ENDING)):
        yield seen


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
    """Ctrl-C once: an endless film ends with the window at hand, any other stops before its next step; again: at once.

    SIGTERM and SIGHUP let any film stop before its next step, however often they come. No handler raises: an exception
    in a callback of a C++ library ends the process by SIGABRT (seen while torch was imported). What stops is asked for,
    and `heed` raises it between two events. Before the first window there is nothing to save: if no event comes within
    `PATIENCE` seconds, as after a second Ctrl-C, a thread calls `leave`, which must end the process.
    """

    def __init__(self, *, endless: bool, tell: Callable[[str], None], leave: Callable[[], object]) -> None:
        self.ending = Flag()
        self._endless = endless
        self._tell = tell
        self._leave = leave
        self._stopping = False
        self._under_way = False
        self._limits: SimpleQueue[float] = SimpleQueue()  # its `put` may be interrupted by another `put`
        self._last_word = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._leave_in_time, daemon=True).start()
        self._handling = _handling(self._take, (signal.SIGINT, *ENDING))
        self._handling.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._last_word.acquire()  # for good: one of two threads says how it ended
        self._handling.__exit__(None, None, None)

    def heed(self, event: Event) -> None:
        """Raise KeyboardInterrupt where the film can stop without losing a step; a window being decoded is finished."""
        self._under_way = self._under_way or isinstance(event, WindowStarted)
        if self._stopping and not isinstance(event, FramesReady | FilmDone):
            raise KeyboardInterrupt

    def _take(self, number: int, _frame: FrameType | None) -> None:
        asked_to_leave = number != signal.SIGINT
        if self._stopping:
            if not asked_to_leave:
                self._limits.put(0.0)
        elif not self._under_way:
            self._stopping = True
            self._limits.put(PATIENCE)
        elif self._endless and not asked_to_leave and not self.ending.is_set():
            self.ending.set()
            self._say("the film ends with this window; Ctrl-C again stops now and leaves it resumable")
        else:
            self._stopping = True
            self._say("stopping after this step; Ctrl-C again stops at once")

    def _leave_in_time(self) -> None:
        """Leave when the time is up, unless the film has stopped by itself."""
        left = self._limits.get()
        with suppress(Empty):
            while left:
                left = self._limits.get(timeout=left)
        if self._last_word.acquire(blocking=False):
            self._leave()

    def _say(self, text: str) -> None:
        with suppress(RuntimeError):  # the signal came while the same stream was being written to
            self._tell(text)
