"""The thread that reads the queue for the dashboard; nothing else here opens the store for longer than one action.

A store that is locked, missing or damaged is reported as an error and tried again at the next look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue.device import sample
from skyreels_cli.queue.job import Job, WorkerInfo
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.turns import next_turns
from skyreels_cli.tui.view import FILTERS, View, Wanted

# A look that finds nothing new costs 50 µs; a longer interval is noticed by users.
POLL_SECONDS = 0.5
DEVICE_SECONDS = 2.0
# With them a dashboard of 80×24 sends less than 2 kB/s while a film is rendered (tests/benchmarks/bench_dashboard.py).
SLOW_POLL_SECONDS = 5.0
SLOW_DEVICE_SECONDS = 30.0
# Least time between two sums over all plans, which take 150 ms for 10,000 jobs.
AHEAD_SECONDS = 15.0
# Leases run out and retries fall due without anybody writing.
AT_LEAST_SECONDS = 2.0
HISTORY_FILMS = 500
ALL = Wanted()

Tell = Callable[[View | SkyreelsError | dict[str, Any]], None]


class Watcher(threading.Thread):
    """Calls `tell`, from this thread, with a View when one is new, with a device sample, or with what went wrong."""

    def __init__(
        self, folder: Path, tell: Tell, look_at_device: Callable[[], dict[str, Any]] = sample, wanted: Wanted = ALL
    ) -> None:
        super().__init__(name="queue-watcher", daemon=True)
        self._folder = folder
        self._tell = tell
        self._look_at_device = look_at_device
        self._wanted = wanted
        self._poll_seconds, self._device_seconds = POLL_SECONDS, DEVICE_SECONDS
        self._awake = threading.Event()
        self._ended = False
        self._store: Store | None = None
        self._view: View | None = None
        self._read_at = self._device_at = float("-inf")
        self._version: int | None = None
        self._ahead = (float("-inf"), 0, 0.0)
        self._trouble = ""

    def want(self, **changes: Any) -> None:
        """Change what is to be read; if it differs, it is read at once."""
        wanted = replace(self._wanted, **changes)
        if wanted != self._wanted:
            self._wanted = wanted
            self._awake.set()

    @property
    def wanted(self) -> Wanted:
        """What is to be read."""
        return self._wanted

    def slow_down(self) -> None:
        """Look rarely, for a slow line; what the user wants is still read at once."""
        self._poll_seconds, self._device_seconds = SLOW_POLL_SECONDS, SLOW_DEVICE_SECONDS

    def look(self) -> None:
        """Read at once."""
        self._awake.set()

    def stop(self) -> None:
        """End the thread at the next opportunity."""
        self._ended = True
        self._awake.set()

    def run(self) -> None:
        """Look, wait, look."""
        while not self._ended:
            asked = self._awake.is_set()
            self._awake.clear()
            try:
                self._look(asked=asked)
            except SkyreelsError as error:
                self._close()
                if str(error) != self._trouble:
                    self._tell(error)
                self._trouble, self._view = str(error), None
            self._look_at_devices()
            self._awake.wait(self._poll_seconds)
        self._close()

    def _look(self, *, asked: bool) -> None:
        if self._store is None or self._store.database.replaced():
            self._close()
            self._store = Store(self._folder)
        version = self._store.database.data_version()
        due = time.monotonic() - self._read_at > AT_LEAST_SECONDS
        if asked or due or version != self._version or self._view is None:
            self._version, self._read_at = version, time.monotonic()
            view = self._read(self._store, self._wanted)
            self._trouble = ""
            if view != self._view:
                self._view = view
                self._tell(view)

    def _read(self, store: Store, wanted: Wanted) -> View:
        states = FILTERS[wanted.states]
        counts = store.counts()
        total = store.count(states, wanted.text) if wanted.text or states else sum(counts.values())
        offset = max(0, min(wanted.offset, total - 1))
        workers = tuple(_timeless(worker) for worker in store.workers())
        turns = next_turns(store, [worker for worker in workers if worker.alive])
        first = turns.order if turns.why else ()  # else it is the order of their places, which SQLite sorts sooner
        jobs = store.jobs(states, wanted.text, wanted.sort, wanted.descending, wanted.limit, offset, first)
        return View(
            wanted=replace(wanted, offset=offset),
            counts=counts,
            paused=store.paused,
            workers=workers,
            total=total,
            jobs=tuple(jobs),
            film=_film(store, wanted.focus),
            detail=_job(store, wanted.detail),
            history=tuple(store.history(HISTORY_FILMS)) if wanted.history else (),
            seconds_ahead=self._seconds_ahead(store, counts.get("queued", 0)),
            why=turns.why,
        )

    def _seconds_ahead(self, store: Store, queued: int) -> float:
        """Seconds that the plans of the queued jobs add up to; between two readings scaled by the number of jobs."""
        read_at, known, seconds = self._ahead
        now = time.monotonic()
        if queued and (now - read_at > AHEAD_SECONDS * 4 or (queued != known and now - read_at > AHEAD_SECONDS)):
            seconds = store.planned_seconds()
            self._ahead = (now, queued, seconds)
        return seconds * queued / known if known else seconds

    def _look_at_devices(self) -> None:
        now = time.monotonic()
        if now - self._device_at >= self._device_seconds:
            self._device_at = now
            self._tell(self._look_at_device())

    def _close(self) -> None:
        store, self._store, self._version = self._store, None, None
        if store:
            with suppress(Exception):  # the file may be gone from under it
                store.database.close()


LASTING = ("rest_reason", "warm", "place", "host", "gpus")
"""What is shown of a worker's sample; of this machine's devices a fresh one is taken."""


def _timeless(worker: WorkerInfo) -> WorkerInfo:
    """A worker without what changes at each of its heartbeats."""
    kept = {name: worker.sample.get(name) for name in LASTING}
    kept |= {name: worker.sample.get(name, 0) for name in ("patience", "most_patience")}
    return replace(worker, heartbeat_at=0.0, sample=kept)


def _film(store: Store, focus: int | None) -> Job | None:
    """The running job under the cursor, else the one that has run longest."""
    running = sorted(store.jobs(("running",)), key=lambda job: job.started_at or 0.0)
    chosen = next((job.id for job in running if job.id == focus), running[0].id if running else None)
    return _job(store, chosen)


def _job(store: Store, number: int | None) -> Job | None:
    """A job, if it is still there."""
    try:
        return store.job(number) if number is not None else None
    except SkyreelsError as error:
        if error.code == "job-not-found":
            return None
        raise
