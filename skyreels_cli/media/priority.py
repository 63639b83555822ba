"""Keeps encoders from putting themselves before everything else on the machine.

SVT-AV1 asks for real-time priority, for its threads and for the one that opens it, wherever it is given that: as root,
in containers and on clusters. The thread keeps it and what it starts inherits it, while every other program waits:
on two cores the tests that came after a film in AV1 held the whole machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")


@contextmanager
def priority_kept() -> Iterator[None]:
    """Afterwards this thread, and those that were started within, are as important as this one was before.

    On Linux alone: elsewhere no encoder of ours asks for more.
    """
    if not THREADS.is_dir():
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    others = _threads() - {threading.get_native_id()}
    try:
        yield
    finally:
        for thread in _threads() - others:
            with suppress(OSError):  # it has ended
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, parameter)


def _threads() -> set[int]:
    return {int(thread.name) for thread in THREADS.iterdir()}
