"""The process that has started a rank, as that rank sees it; imports no torch."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any


class ParentProcess:
    """The process that has started us, at the other end of a pipe; once it is gone, so are we."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._orders: SimpleQueue[bool | None] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def wants_more(self, ending: Flag) -> bool:
        """Wait until the next event is asked for; False if the film is to stop."""
        order = self._orders.get()
        if order:
            ending.set()
        return order is not None

    def tell(self, said: Any) -> None:
        """Say an event, None (we are through) or an error."""
        self._pipe.send(said)

    def _listen(self) -> None:
        try:
            while True:
                self._orders.put(self._pipe.recv())
        except (EOFError, OSError):
            os._exit(1)  # a film's folder allows it at any moment


def portable(error: Exception) -> Exception:
    """The error as another process can take it in, its traceback in a note."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - libraries' errors are what they are
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
