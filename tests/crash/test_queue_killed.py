"""Workers and renderers that are killed at any moment: every job ends once, and its film is the undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from skyreels_cli.queue import leases
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store
from tests.queue.conftest import film_of, new_job, wait_for

from .storm import Storm, Workers, check_ended, dismiss, kill, renderers

HERE = Path(__file__).parent
JOBS = 12


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "queue")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


def fill(store: Store, films: Path, rows: int, seconds: float) -> list[Job]:
    script = {"rows": rows, "seconds": seconds, "load_seconds": 0.05, "max_attempts": 10_000}
    return [store.add(new_job(films / f"{number}.mp4", seed=number, **script)) for number in range(JOBS)]


def check_night(store: Store, jobs: list[Job]) -> None:
    check_ended(store, jobs)
    assert {Path(job.output).read_text() == film_of(job) for job in jobs} == {True}


@pytest.mark.parametrize(
    ("kills", "rows", "seed"), [(20, 6, 1), pytest.param(100, 32, 2, marks=pytest.mark.slow)], ids=["20", "100"]
)
def test_killed_at_random_moments(tmp_path: Path, workers: Workers, kills: int, rows: int, seed: int) -> None:
    """As many nights as it takes: on a quick machine the jobs are done before all kills have landed."""
    storm = Storm(workers, "fake", lambda chance: chance.uniform(0, 0.8), seed)
    for night in count():
        films = tmp_path / f"films-{night}"
        films.mkdir()
        store = Store(tmp_path / f"queue-{night}")
        jobs = fill(store, films, rows, 0.03)
        storm.rage(store, films, kills)
        check_night(store, jobs)
        if storm.landed.total() >= kills:
            break
    print(f"killed: {dict(storm.landed)} in {night + 1} nights")


def test_power_cuts(store: Store, films: Path, workers: Workers, tmp_path: Path) -> None:
    """Everything stands still, the database's files are copied as they are, all is killed, the copy goes on."""
    rng, jobs = random.Random(3), fill(store, films, 6, 0.01)
    store.database.close()
    for _ in range(8):
        worker = workers.start(store)
        time.sleep(rng.uniform(0.3, 1.0))
        children = renderers(worker)
        kill(worker.pid, *children, number=signal.SIGSTOP)
        copies = [shutil.copy(file, tmp_path) for file in store.folder.glob("queue.db*") if "-shm" not in file.name]
        kill(worker.pid, *children)
        worker.wait()
        for file in store.folder.glob("queue.db*"):
            file.unlink()
        for copy in copies:
            shutil.move(copy, store.folder)
    store = Store(store.folder)
    workers.finish(store)
    check_night(store, jobs)


def test_a_worker_that_freezes_loses_its_job_after_its_lease_and_does_no_harm_when_it_wakes(
    store: Store, films: Path, workers: Workers
) -> None:
    """Its renderer goes on meanwhile; the film's lock keeps the second one away until it is done."""
    (job,) = [store.add(new_job(films / "0.mp4", rows=30, seconds=0.05))]
    frozen = workers.start(store)
    wait_for(lambda: store.job(1).steps_done)
    os.kill(frozen.pid, signal.SIGSTOP)
    (lease,) = store.database.rows("SELECT heartbeat_uptime + lease_seconds FROM workers")[0]
    second = workers.start(store)
    wait_for(lambda: [worker.pid for worker in store.workers()] == [second.pid])
    assert store.up() > lease
    wait_for(lambda: store.job(1).state == "succeeded")
    os.kill(frozen.pid, signal.SIGCONT)
    wait_for(lambda: {worker.pid for worker in store.workers()} == {frozen.pid, second.pid})
    for worker in (frozen, second):
        dismiss(store, worker)
    check_night(store, [job])


def test_eight_processes_claim_two_thousand_jobs_once_each(store: Store, films: Path) -> None:
    jobs, processes = 2000, 8
    new = new_job(films / "0.mp4")
    with store.database.write() as connection:
        for number in range(jobs):
            store.insert(connection, new, new.draft, films / f"{number}.mp4")
    claimers = [
        subprocess.Popen(
            [sys.executable, str(HERE / "queue_claimer.py"), str(store.folder)], stdin=-1, stdout=-1, text=True
        )
        for _ in range(processes)
    ]
    for claimer in claimers:
        assert claimer.stdout
        assert claimer.stdout.readline() == "ready\n"
    for claimer in claimers:
        assert claimer.stdin
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    claims = [line.split() for claimer in claimers for line in claimer.communicate()[0].splitlines()]
    seconds = sorted(float(each) for _, each in claims)
    assert sorted(int(number) for number, _ in claims) == list(range(1, jobs + 1))
    median, p99 = (1e3 * seconds[int(share * len(seconds))] for share in (0.5, 0.99))
    print(f"{jobs} claims by {processes} processes: {median:.1f} ms at the median, {p99:.0f} ms at p99")
    leases.reap(store)
    assert store.counts() == {"queued": jobs}  # all of them have died without finishing
