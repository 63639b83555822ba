"""What a worker costs that has many jobs on a cluster: its CPU, the store's transactions, writes of the jobs' folders.

    python -m tests.benchmarks.bench_slots [JOBS] [SLOTS]

The cluster is that of tests/queue/fake_cluster.py, which takes jobs in random order and lets one call and one event in
a hundred go wrong; its films are hashes. Events are written as on a real one, at most once a second.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from skyreels_cli.queue.batch import event_log
from skyreels_cli.queue.batch.event_log import EventLog
from skyreels_cli.queue.batch.executor import BatchExecutor
from skyreels_cli.queue.database import Database
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.supervisor import StopSignals, Supervisor
from skyreels_cli.queue.worker_config import WorkerConfig
from tests.queue.conftest import PLACEMENT, new_job
from tests.queue.fake_cluster import FakeCluster, endings

RESULT = Path(__file__).with_name("results") / "bench_slots.json"
TROUBLE = 0.01


def measure(folder: Path, jobs: int, slots: int) -> dict[str, Any]:
    """Render so many jobs in so many slots."""
    writes = count_writes()
    transactions = count_transactions()
    store, cluster = Store(folder / "queue"), FakeCluster(slots, TROUBLE, seconds_per_write=event_log.SECONDS_PER_WRITE)
    for number in range(jobs):
        store.add(new_job(folder / f"{number}.mp4", windows=1, max_attempts=99, degrade=False))
    events: list[dict[str, Any]] = []
    config = WorkerConfig(PLACEMENT, "fake", retry_seconds=0.1)
    transactions.clear()
    began, thread_began, process_began = time.monotonic(), time.thread_time(), time.process_time()
    supervisor = Supervisor(
        store, [replace(config)] * slots, BatchExecutor(cluster), lambda event: events.append(dict(event))
    )
    supervisor.run(StopSignals(), once=True)
    seconds = time.monotonic() - began
    cluster.close()
    ended = endings(events)
    gaps = [later - earlier for times in writes.values() for earlier, later in pairwise(times)]
    return {
        "machine": f"{platform.machine()}, {platform.system()}",
        "jobs": jobs,
        "slots": slots,
        "faults": sum(cluster.counts.values()),
        "ended_once": sum(count == 1 for count in ended.values()),
        "seconds": seconds,
        "worker_thread_cpu_seconds": time.thread_time() - thread_began,
        "process_cpu_seconds": time.process_time() - process_began,
        "store_transactions": len(transactions),
        "store_transactions_per_second": len(transactions) / seconds,
        "event_log_writes": sum(len(times) for times in writes.values()),
        "least_seconds_between_writes": min(gaps, default=None),
    }


def count_transactions() -> list[float]:
    """The time of each transaction of any store from now on."""
    times: list[float] = []
    write = Database.write

    @contextmanager
    def counted(self: Database) -> Iterator[Connection]:
        times.append(time.monotonic())
        with write(self) as connection:
            yield connection

    Database.write = counted  # type: ignore[method-assign]
    return times


def count_writes() -> dict[int, list[float]]:
    """The times of writes to each log of events from now on."""
    times: dict[int, list[float]] = defaultdict(list)
    logs: list[EventLog] = []  # kept, so that no two have the same id
    write = EventLog._write

    def counted(self: EventLog) -> bool:
        logs.append(self)
        before = self._write_at
        done = write(self)
        if self._write_at != before:
            times[id(self)].append(self._write_at)
        return done

    EventLog._write = counted  # type: ignore[method-assign]
    return times


def main() -> None:
    """Measure, print a table and keep the result."""
    jobs, slots = (int(word) for word in [*sys.argv[1:], "1000", "50"][:2])
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), jobs, slots)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(f"{name:32} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
