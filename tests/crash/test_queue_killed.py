"""Workers and renderers that are killed at any moment: every job ends once, and its film is the undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from skyreels_cli.queue import leases
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store
from tests.queue.conftest import film_of, new_job, wait_for

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
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counter[str]]:
    """How often each film has been finished."""
    file = tmp_path / "ledger"
    monkeypatch.setenv("FAKE_LEDGER", str(file))
    return lambda: Counter(line for line in file.read_text().splitlines() if line.startswith("finish"))


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a worker process; those left at the end are killed."""
    started: list[subprocess.Popen[bytes]] = []

    def run(store: Store, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(HERE / "queue_worker.py"), str(store.folder), *words]
        started.append(subprocess.Popen(command))
        return started[-1]

    yield run
    for worker in started:
        kill(worker.pid, *renderers(worker))
        worker.wait()


Start = Callable[..., "subprocess.Popen[bytes]"]


def renderers(worker: subprocess.Popen[bytes]) -> list[int]:
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(worker.pid).children()]
    return []


def kill(*pids: int, number: int = signal.SIGKILL) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def fill(store: Store, films: Path, rows: int, seconds: float) -> list[Job]:
    script = {"rows": rows, "seconds": seconds, "load_seconds": 0.05, "max_attempts": 10_000}
    return [store.add(new_job(films / f"{number}.mp4", seed=number, **script)) for number in range(JOBS)]


def check_night(store: Store, jobs: list[Job], ledger: Callable[[], Counter[str]]) -> None:
    """All jobs have ended well, each film was finished once and is the right one, and nothing else lies about."""
    assert [(job.id, job.state) for job in store.jobs(sort="id")] == [(job.id, "succeeded") for job in jobs]
    assert {Path(job.output).read_text() == film_of(job) for job in jobs} == {True}
    assert ledger() == Counter(f"finish {Path(job.output).name}" for job in jobs)
    folder = Path(jobs[0].output).parent
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        name for job in jobs for name in (Path(job.output).name, f"{Path(job.output).name}.json")
    )
    assert store.database.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert store.workers() == []
    assert all(store.job(job.id).result for job in jobs)


@pytest.mark.parametrize(
    ("kills", "rows", "seed"), [(20, 6, 1), pytest.param(100, 32, 2, marks=pytest.mark.slow)], ids=["20", "100"]
)
def test_killed_at_random_moments(
    store: Store, films: Path, ledger: Callable[[], Counter[str]], start: Start, kills: int, rows: int, seed: int
) -> None:
    rng, jobs = random.Random(seed), fill(store, films, rows, 0.03)
    worker = start(store)
    landed: Counter[str] = Counter()
    while sum(landed.values()) < kills and store.count(["queued", "running"]):
        time.sleep(rng.uniform(0, 0.8))
        whom = rng.choice(("worker", "renderer", "both"))
        victims = [] if whom == "renderer" else [worker.pid]
        victims += [] if whom == "worker" else renderers(worker)
        kill(*victims)
        landed[whom] += bool(victims)
        if whom != "renderer":
            worker.wait()
            worker = start(store)
    assert start(store, "once").wait(120) == 0
    wait_for(lambda: not store.count(["queued", "running"]))
    kill(worker.pid, number=signal.SIGTERM)
    assert worker.wait(30) == 0
    check_night(store, jobs, ledger)
    print(f"killed: {dict(landed)}")
    assert sum(landed.values()) > 0.8 * kills


def test_power_cuts(
    store: Store, films: Path, ledger: Callable[[], Counter[str]], start: Start, tmp_path: Path
) -> None:
    """Everything stands still, the database's files are copied as they are, all is killed, the copy goes on."""
    rng, jobs = random.Random(3), fill(store, films, 6, 0.01)
    store.database.close()
    for _ in range(8):
        worker = start(store)
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
    assert start(store, "once").wait(60) == 0
    check_night(Store(store.folder), jobs, ledger)


def test_a_worker_that_freezes_loses_its_job_after_its_lease_and_does_no_harm_when_it_wakes(
    store: Store, films: Path, ledger: Callable[[], Counter[str]], start: Start
) -> None:
    """Its renderer goes on meanwhile; the film's lock keeps the second one away until it is done."""
    (job,) = [store.add(new_job(films / "0.mp4", rows=30, seconds=0.05))]
    frozen = start(store)
    wait_for(lambda: store.job(1).rows_done)
    os.kill(frozen.pid, signal.SIGSTOP)
    froze = time.monotonic()
    second = start(store)
    wait_for(lambda: [worker.pid for worker in store.workers()] == [second.pid])
    assert 1.5 < time.monotonic() - froze < 10
    wait_for(lambda: store.job(1).state == "succeeded")
    os.kill(frozen.pid, signal.SIGCONT)
    wait_for(lambda: {worker.pid for worker in store.workers()} == {frozen.pid, second.pid})
    for worker in (frozen, second):
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait(30) == 0
    check_night(store, [job], ledger)


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
