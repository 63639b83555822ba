"""A queue on a batch system that is made up."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from skyreels_cli.queue import leases
from skyreels_cli.queue.batch.executor import BatchExecutor
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import JobLog, read_log
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.supervisor import StopSignals, Supervisor
from skyreels_cli.queue.task import Task, render_command
from skyreels_cli.queue.worker_config import WorkerConfig

from .conftest import CONFIG, PLACEMENT, film_of, new_job, wait_for
from .fake_cluster import FakeCluster

ELSEWHERE = replace(CONFIG, executor="fake", stop_seconds=60.0)


class Cluster:
    """A fake cluster and a worker that uses it."""

    def __init__(self, store: Store, films: Path) -> None:
        self.store = store
        self.films = films
        self.events: list[dict[str, Any]] = []
        self.signals = StopSignals()
        self.fake = FakeCluster(0)

    def use(self, **how: Any) -> FakeCluster:
        self.fake.close()
        self.fake = FakeCluster(**how)
        return self.fake

    def add(self, name: str = "a", **more: Any) -> Job:
        return self.store.add(new_job(self.films / f"{name}.mp4", **more))

    def run(self, slots: int = 1, config: WorkerConfig = ELSEWHERE, *, once: bool = True) -> dict[str, int]:
        executor, store = BatchExecutor(self.fake, 0.005), Store(self.store.folder)  # each thread has its own
        supervisor = Supervisor(store, [config] * slots, executor, lambda event: self.events.append(dict(event)))
        supervisor.run(self.signals, once=once)
        store.database.close()
        return dict(supervisor.ended)

    def start(self, slots: int = 1) -> threading.Thread:
        thread = threading.Thread(target=lambda: self.run(slots, once=False), daemon=True)
        thread.start()
        return thread

    def wait_for_job(self, count: int = 1) -> str:
        """The id of the latest job, once so many have been submitted."""
        wait_for(lambda: len(self.fake.jobs) == count)
        return str(count)

    def logged(self, job: Job) -> str:
        return read_log(self.store.log(job.id))

    def stop(self, thread: threading.Thread) -> None:
        self.signals.take(15, None)
        thread.join(60)
        assert not thread.is_alive()


def finished(job: Job) -> bool:
    return Path(job.output).read_text() == film_of(job)


def abandoned(cluster: Cluster, **fake: Any) -> Job:
    """A job whose worker was killed after it had been submitted: its folder is there, its lease is gone."""
    job = cluster.add(**fake)
    owner = leases.register(cluster.store, "auto")
    leases.claim(cluster.store, owner)
    leases.note_output(cluster.store, owner, job.id, "")
    left = JobFolder.of(job.output_path)
    task = Task(job, JobLog(cluster.store.log(job.id)), {**PLACEMENT, **job.placement})
    left.fill(render_command(cluster.store, task))
    left.note_id(cluster.fake.submit(left.path, left.name, 1))
    with cluster.store.database.write() as connection:
        leases._let_go(connection, owner.id, 0.0)
    return job
