"""Workers as processes, and storms of SIGKILL over them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from skyreels_cli.queue.finished import file_mark
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store
from tests.queue.conftest import wait_for

PROGRAM = Path(__file__).with_name("queue_worker.py")
UNFINISHED = ("queued", "running")
# Of a whole night on a machine that is eight times slower than a laptop.
PATIENCE = 600.0
LEAVING_SECONDS = 120.0

Worker = subprocess.Popen[bytes]
Moment = Callable[[random.Random], float]
"""Draws the seconds until the next kill."""


class Workers:
    """Starts workers; those that are left in the end are killed."""

    def __init__(self) -> None:
        self._started: list[Worker] = []

    def start(self, store: Store, renderer: str = "fake", *words: str) -> Worker:
        """A worker of `queue_worker.py` on a queue."""
        self._started.append(subprocess.Popen([sys.executable, str(PROGRAM), str(store.folder), renderer, *words]))
        return self._started[-1]

    def finish(self, store: Store, renderer: str = "fake") -> None:
        """Let a worker do what is left."""
        assert self.start(store, renderer, "once").wait(PATIENCE) == 0
        assert store.count(UNFINISHED) == 0

    def close(self) -> None:
        """Leave nothing running."""
        for worker in self._started:
            kill(worker.pid, *renderers(worker))
            worker.wait()


def renderers(worker: Worker) -> list[int]:
    """The children of a worker."""
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(worker.pid).children()]
    return []


def kill(*pids: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def dismiss(store: Store, worker: Worker) -> None:
    """Ask a worker to leave once it listens (one that has just been started would die of SIGTERM); it leaves in order.

    How long that takes is the machine's affair; one that never does says where it stands before the test fails.
    """
    wait_for(lambda: worker.pid in [registered.pid for registered in store.workers()], PATIENCE)
    kill(worker.pid, number=signal.SIGTERM)
    try:
        assert worker.wait(LEAVING_SECONDS) == 0
    except subprocess.TimeoutExpired:
        kill(worker.pid, number=signal.SIGUSR1)
        time.sleep(1)
        raise


class Storm:
    """Kills worker, renderer or both over night after night; `landed` counts the kills by whom they hit."""

    def __init__(self, workers: Workers, renderer: str, moment: Moment, seed: int) -> None:
        self.landed: Counter[str] = Counter()
        self._workers = workers
        self._renderer = renderer
        self._moment = moment
        self._chance = random.Random(seed)

    def rage(self, store: Store, films: Path, kills: int) -> None:
        """Kill until so many have landed or the queue is done; the rest of the night is calm.

        No film that is there may be written once more: it stays the file that it was when it was first seen.
        """
        seen: dict[str, str] = {}
        worker = self._workers.start(store, self._renderer)
        while self.landed.total() < kills:
            time.sleep(self._moment(self._chance))
            if not store.count(UNFINISHED):
                break
            worker = self._strike(store, worker)
            before, seen = seen, marks(films)
            assert before.items() <= seen.items()
        wait_for(lambda: not store.count(UNFINISHED), PATIENCE)
        dismiss(store, worker)
        assert seen.items() <= marks(films).items()

    def _strike(self, store: Store, worker: Worker) -> Worker:
        """One kill; returns the worker that is at work then."""
        whom = self._chance.choice(("worker", "renderer", "both"))
        victims = [] if whom == "renderer" else [worker.pid]
        victims += [] if whom == "worker" else renderers(worker)
        kill(*victims)
        self.landed[whom] += bool(victims)
        if whom == "renderer":
            return worker
        worker.wait()
        return self._workers.start(store, self._renderer)


def marks(films: Path) -> dict[str, str]:
    """Which file each finished film is."""
    return {film.name: file_mark(film) for film in films.iterdir() if film.suffix in (".mp4", ".mkv")}


def check_ended(store: Store, jobs: list[Job]) -> None:
    """All jobs have ended well and once, and nothing but their films lies about."""
    assert [(job.id, job.state) for job in store.jobs(sort="id")] == [(job.id, "succeeded") for job in jobs]
    assert sorted(film.job for film in store.history()) == [job.id for job in jobs]
    assert all(store.job(job.id).result for job in jobs)
    names = [Path(job.output).name for job in jobs]
    beside = sorted(file.name for file in Path(jobs[0].output).parent.iterdir())
    assert beside == sorted([*names, *(f"{name}.json" for name in names)])
    assert store.database.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert store.workers() == []
