"""What a rank knows of the process that has started it; imports no torch."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any

from skyreels_cli.film.rendering import Rendering


class ParentProcess:
    """The process that has started this one, at the other end of a pipe; this one exits when that one is gone."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._orders: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def next_film(self) -> tuple[Rendering, Sequence[str]]:
        """Wait until a film is sent, and the prompts that are expected after it."""
        film: tuple[Rendering, Sequence[str]] = self._orders.get()
        return film

    def wants_more(self, ending: Flag) -> bool:
        """Wait until the next event is asked for; False if the film is to stop."""
        order = self._orders.get()
        if order:
            ending.set()
        return order is not None

    def tell(self, said: Any) -> None:
        """Send an event, an error, or None at the end."""
        self._pipe.send(said)

    def _listen(self) -> None:
        try:
            while True:
                self._orders.put(self._pipe.recv())
        except (EOFError, OSError):
            os._exit(1)  # at any moment: an unfinished film's folder is never half written


def portable(error: Exception) -> Exception:
    """The error in a form that can be pickled, its traceback in a note."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - libraries' errors are what they are
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
