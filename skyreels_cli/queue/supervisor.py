"""`skyreels queue run`: one worker per device in one process, until the queue is empty or somebody says stop."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from skyreels_cli.plugins.executor import Executor
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.worker import EventHandler, RendererEvents, Worker
from skyreels_cli.queue.worker_config import WorkerConfig

TICK_SECONDS = 0.2
# Beyond the grace of the renderers: for the last writes to the store.
LAST_WRITES_SECONDS = 5.0


class StopSignals:
    """Counts SIGTERM and SIGINT; `first` is the number of the one that came first."""

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None

    def take(self, number: int, _frame: Any) -> None:
        """Note a signal; everything else happens in the loop."""
        self.count += 1
        self.first = self.first or number


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Catch SIGTERM and SIGINT for the length of a block (elsewhere than in the main thread none can be caught).

    SIGHUP is ignored: a worker outlives its terminal.
    """
    caught = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    handlers: dict[int, Any] = {signal.SIGTERM: caught.take, signal.SIGINT: caught.take}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = signal.SIG_IGN
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """Runs workers side by side; `ended` counts the jobs that came to each end."""

    def __init__(self, store: Store, configs: Sequence[WorkerConfig], executor: Executor, listen: EventHandler) -> None:
        self.ended: Counter[str] = Counter()
        self._store = store
        self._listen = listen
        self._grace = max(each.grace_seconds for each in configs)
        self._inbox: RendererEvents = SimpleQueue()
        self._workers = [Worker(store, each, executor, self._inbox, self._take) for each in configs]

    def run(self, signals: StopSignals, *, once: bool = False) -> None:
        """Work until a signal comes or, with `once`, until no job is left that could be started (or no device).

        A signal lets the jobs at hand be checkpointed and put back; a second one does not wait for checkpoints.
        """
        leave_by = float("inf")
        try:
            while time.monotonic() < leave_by:
                self._hear()
                if signals.count:
                    leave_by = min(leave_by, time.monotonic() + self._grace + LAST_WRITES_SECONDS)
                    self._close(None if signals.count == 1 else 0.0)
                for worker in self._workers:
                    worker.tick()
                idle = all(worker.task is None for worker in self._workers)
                asked = signals.count or all(worker.closing for worker in self._workers)
                if idle and (asked or (once and self._nothing_left())):
                    break
        finally:
            for worker in self._workers:
                worker.leave()

    @property
    def rest_reason(self) -> str | None:
        """Why no worker takes a job, if all their devices seem to be broken."""
        reasons = [worker.rest_reason for worker in self._workers]
        return reasons[0] if all(reasons) else None

    def _hear(self) -> None:
        """Hand events of the renderers to the workers; wait up to a tick for the first."""
        said = []
        try:
            said.append(self._inbox.get(timeout=TICK_SECONDS))
            while True:
                said.append(self._inbox.get_nowait())
        except Empty:
            pass
        for renderer, event in said:
            for worker in self._workers:
                worker.hear(renderer, event)

    def _close(self, grace_seconds: float | None) -> None:
        for worker in self._workers:
            worker.close(grace_seconds)

    def _nothing_left(self) -> bool:
        return self._store.paused or self._store.startable() == 0 or self.rest_reason is not None

    def _take(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "job_ended" and event["state"]:
            self.ended[event["state"]] += 1
        self._listen(event)
