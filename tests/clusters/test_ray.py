"""The queue on a real Ray of this machine alone; skipped where ray is not installed."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from skyreels_cli.cli.main import main
from skyreels_cli.media.reader import read_frames
from skyreels_cli.queue import actions
from skyreels_cli.queue.executors import find_executor
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.supervisor import StopSignals, Supervisor
from skyreels_cli.queue.worker_config import WorkerConfig
from tests.queue.conftest import PLACEMENT, wait_for

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
SMALL = ["--model", "tiny", "--device", "cpu", "--dtype", "float32", "--codec", "ffv1"]
SHORT = [*SMALL, "--num-frames", "17", "--inference-steps", "4"]
LONG = [*SMALL, "--num-frames", "97", "--inference-steps", "30"]
CONFIG = WorkerConfig({**PLACEMENT, "device": "cpu"}, "ray", retry_seconds=0.1)
MINUTES = 600.0


class Site:
    """A queue, and workers in threads of this process, which is a Ray driver."""

    def __init__(self, home: Path, films: Path, alone: Path) -> None:
        self.films = films
        self.alone = alone
        self.store = Store(home / "queue")
        self.events: list[tuple[float, dict[str, Any]]] = []

    def add(self, name: str, said: list[str] = SHORT) -> Job:
        output = str(self.films / f"{name}.mkv")
        assert main(["queue", "add", "a red ball", "--seed", "7", *said, "-o", output, "--quiet"]) == 0
        return self.store.job(max(job.id for job in self.store.jobs()))

    def start(self, slots: int = 1, signals: StopSignals | None = None) -> threading.Thread:
        def run() -> None:
            executor = find_executor("ray", {"ray": {"address": "local"}})
            store = Store(self.store.folder)
            Supervisor(store, [CONFIG] * slots, executor, self._listen).run(signals or StopSignals(), once=True)
            store.database.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def finish(self, thread: threading.Thread) -> None:
        thread.join(MINUTES)
        assert not thread.is_alive()

    def seconds_to_first_step(self, job: Job) -> float:
        mine = [(at, event["event"]) for at, event in self.events if event.get("job") == job.id]
        claimed = next(at for at, name in mine if name == "job_claimed")
        return next(at for at, name in mine if name == "step_done") - claimed

    def same_as_alone(self, job: Job, said: list[str]) -> bool:
        alone = self.alone / f"{job.num_frames}.mkv"
        if not alone.exists():
            assert main(["generate", "a red ball", "--seed", "7", *said, "-o", str(alone), "--quiet"]) == 0
        return np.array_equal(np.stack(list(read_frames(Path(job.output)))), np.stack(list(read_frames(alone))))

    def _listen(self, event: Any) -> None:
        self.events.append((time.monotonic(), dict(event)))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films that were rendered without a queue, one of each length."""
    return tmp_path_factory.mktemp("alone")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Started by this thread, as Ray's daemons end with the thread that started them."""
    ray.init(address="local", log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def site(home: Path, tmp_path: Path, alone: Path) -> Site:
    (tmp_path / "films").mkdir()
    return Site(home, tmp_path / "films", alone)


def actor_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "FarRenderer" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_jobs_on_two_slots_and_the_second_finds_the_model_loaded(site: Site) -> None:
    jobs = [site.add(f"film{number}") for number in range(6)]
    site.finish(site.start(slots=2))
    assert {site.store.job(job.id).state for job in jobs} == {"succeeded"}
    assert site.same_as_alone(jobs[0], SHORT)
    placed = [event for _, event in site.events if event["event"] == "job_placed"]
    assert {event["text"] for event in placed} <= {"ray", f"ray on {socket.gethostname()}"}
    cold = [site.seconds_to_first_step(job) for job in jobs[:2]]
    warm = [site.seconds_to_first_step(job) for job in jobs[2:]]
    (site.films / "starts.json").write_text(json.dumps({"cold": cold, "warm": warm}))
    assert min(cold) >= 5 * sorted(warm)[len(warm) // 2]


def test_an_actor_that_dies_costs_an_attempt_and_the_film_goes_on(site: Site) -> None:
    job = site.add("killed", LONG)
    worker = site.start()
    wait_for(lambda: site.store.job(job.id).steps_done >= 5, MINUTES)
    for process in actor_processes():
        os.kill(process.pid, signal.SIGKILL)
    site.finish(worker)
    after = site.store.job(job.id)
    assert after.state == "succeeded"
    assert any(event["event"] == "film_resumed" or event["event"] == "window_resumed" for _, event in site.events)
    assert site.same_as_alone(job, LONG)


def test_pause_cancel_and_a_job_that_fails(site: Site) -> None:
    paused, bad = site.add("paused", LONG), site.add("bad")
    with site.store.database.write() as connection:
        connection.execute("UPDATE jobs SET recipe = json_set(recipe, '$.model', '/gone') WHERE id = ?", (bad.id,))
    worker = site.start()
    wait_for(lambda: site.store.job(paused.id).steps_done >= 3, MINUTES)
    actions.pause(site.store, paused.id)
    site.finish(worker)
    assert [site.store.job(job.id).state for job in (paused, bad)] == ["paused", "failed"]
    actions.resume(site.store, paused.id)
    site.finish(site.start())
    assert site.same_as_alone(paused, LONG)
    assert actor_processes() == []


def test_a_job_waits_while_the_cluster_is_full(site: Site) -> None:
    job = site.add("third")
    blocker = ray.remote(num_cpus=ray.cluster_resources()["CPU"])(Blocker).remote()
    ray.get(blocker.ready.remote())
    worker = site.start()
    wait_for(lambda: any(each.place == "queued (ray)" for each in site.store.workers()), MINUTES)
    ray.kill(blocker)
    site.finish(worker)
    assert site.store.job(job.id).state == "succeeded"


class Blocker:
    def ready(self) -> None: ...
