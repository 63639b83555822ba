"""Jobs on other machines: submitted, followed through their folders, stopped, found again."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.film.folder.durable import write_json
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.batch import folder, renderer
from skyreels_cli.queue.batch.executor import BatchExecutor
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import JobLog, read_log
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.supervisor import StopSignals, Supervisor
from skyreels_cli.queue.task import Task, render_command
from skyreels_cli.queue.worker_config import WorkerConfig

from .conftest import CONFIG, PLACEMENT, film_of, new_job, wait_for
from .fake_cluster import FakeCluster, endings

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


@pytest.fixture
def cluster(store: Store, films: Path) -> Iterator[Cluster]:
    cluster = Cluster(store, films)
    yield cluster
    cluster.fake.close()


def finished(job: Job) -> bool:
    return Path(job.output).read_text() == film_of(job)


def test_jobs_are_rendered_elsewhere_and_nothing_is_left(cluster: Cluster, films: Path) -> None:
    fake = cluster.use(nodes=2)
    jobs = [cluster.add(name) for name in "abc"]
    assert cluster.run(slots=2) == {"succeeded": 3}
    assert all(finished(job) for job in jobs)
    assert sorted(path.suffix for path in films.iterdir()) == [".json"] * 3 + [".mp4"] * 3
    assert {job.gpus for job in fake.jobs.values()} == {1}
    after = cluster.store.job(1)
    assert (after.state, after.attempts, after.steps_done, after.total_steps) == ("succeeded", 1, 6, 6)
    assert {job.name[:6] for job in fake.jobs.values()} == {"a.mp4-", "b.mp4-", "c.mp4-"}
    assert "submitted as fake 1" in cluster.logged(jobs[0]) + cluster.logged(jobs[1])


def test_where_a_job_is_can_be_seen(cluster: Cluster) -> None:
    cluster.add(wait_at=3)
    thread = cluster.start()
    job = cluster.wait_for_job()

    def place() -> Any:
        (worker,) = cluster.store.workers()
        return worker.sample.get("place")

    wait_for(lambda: place() == {"state": "waiting", "text": "fake 1"})
    threading.Thread(target=cluster.fake.run, args=(job,), daemon=True).start()
    wait_for(lambda: place() == {"state": "running", "text": "fake 1"})
    wait_for(lambda: cluster.store.workers()[0].sample["renderer_bytes"] == 5)
    assert {"event": "job_placed", "job": 1, "state": "running", "text": "fake 1"} in cluster.events
    cluster.stop(thread)
    assert cluster.store.job(1).state == "queued"


@pytest.mark.parametrize("ask", [actions.pause, actions.cancel])
def test_a_job_that_waits_is_cancelled_at_once(cluster: Cluster, ask: Callable[[Store, int], Job]) -> None:
    cluster.add()
    thread = cluster.start()
    job = cluster.wait_for_job()
    wait_for(lambda: cluster.store.workers()[0].sample.get("place"))
    ask(cluster.store, 1)
    wait_for(lambda: cluster.store.job(1).state in ("paused", "cancelled"))
    assert (cluster.fake.jobs[job].state, cluster.fake.jobs[job].end) == ("over", "cancelled")
    cluster.stop(thread)


def test_a_job_that_runs_is_paused_at_a_checkpoint_and_goes_on(cluster: Cluster, films: Path) -> None:
    cluster.use(nodes=1)
    job = cluster.add(wait_at=3)
    thread = cluster.start()
    wait_for(lambda: cluster.store.job(1).steps_done == 3)
    actions.pause(cluster.store, 1)
    wait_for(lambda: cluster.store.job(1).state == "paused")
    assert len(json.loads((films / "a.mp4.skyreels" / "state.json").read_text())["lines"]) >= 3
    assert not JobFolder.of(job.output_path).path.exists()
    actions.resume(cluster.store, 1)
    wait_for(lambda: cluster.store.job(1).state == "succeeded")
    assert finished(job)
    cluster.stop(thread)


def test_a_job_that_somebody_cancelled_there_is_not_submitted_again(cluster: Cluster) -> None:
    cluster.add()
    thread = cluster.start()
    cluster.fake.cancel(cluster.wait_for_job())
    wait_for(lambda: cluster.store.job(1).state == "failed")
    assert cluster.store.job(1).error == {
        "code": "cancelled-there",
        "message": "the job is over and its film is not: fake 1",
        "hint": "skyreels queue retry 1",
        "exit_code": 2,
    }
    cluster.stop(thread)


def test_a_job_that_ran_out_of_memory_there_is_changed(cluster: Cluster) -> None:
    cluster.add()
    thread = cluster.start()
    job = cluster.fake.jobs[cluster.wait_for_job()]
    job.end, job.state = "memory", "over"
    cluster.wait_for_job(2)
    assert cluster.store.job(1).degradations[0]["change"] == {"offload": "stream"}
    cluster.stop(thread)


def test_a_cluster_that_does_not_answer_costs_no_attempt(cluster: Cluster) -> None:
    job = cluster.add()
    cluster.fake.answers = False
    thread = cluster.start()
    wait_for(lambda: "no answer" in cluster.logged(job))
    cluster.use(nodes=0)
    cluster.signals.take(15, None)
    thread.join(60)
    assert (cluster.store.job(1).state, cluster.store.job(1).attempts) == ("queued", 0)
    assert cluster.logged(job).count("no answer") == 1


def test_a_job_that_gives_no_sign_of_life_is_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "SILENT_SECONDS", 0.05)
    job = cluster.add()
    thread = cluster.start()
    cluster.fake.jobs[cluster.wait_for_job()].state = "running"
    wait_for(lambda: "running: fake 1, silent for 0:00" in cluster.logged(job))
    assert cluster.store.job(1).state == "running"
    cluster.fake.jobs["1"].state = "over"
    cluster.stop(thread)


def test_a_full_shared_disk_delays_a_job(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.use(nodes=1)
    full = [OSError(errno.ENOSPC, "No space left on device")]

    def write(path: Path, data: object) -> None:
        if full:
            raise full.pop()
        write_json(path, data)

    monkeypatch.setattr(folder, "write_json", write)
    job = cluster.add()
    assert cluster.run() == {"queued": 1, "succeeded": 1}
    assert f"folder {job.output}.job cannot be written: No space left on device; trying again in" in cluster.logged(job)
    assert finished(job)


def abandoned(cluster: Cluster) -> Job:
    """A job whose worker was killed after it had been submitted: its folder is there, its lease is gone."""
    job = cluster.add()
    owner = leases.register(cluster.store, "auto")
    leases.claim(cluster.store, owner)
    left = JobFolder.of(job.output_path)
    task = Task(job, JobLog(cluster.store.log(job.id)), {**PLACEMENT, **job.placement})
    left.fill(render_command(cluster.store, task))
    left.note_id(cluster.fake.submit(left.path, left.name, 1))
    with cluster.store.database.write() as connection:
        leases._let_go(connection, owner.id, 0.0)
    return job


@pytest.mark.parametrize("told", [True, False])
def test_a_job_that_a_dead_worker_left_is_gone_on_with(cluster: Cluster, *, told: bool) -> None:
    """It has ended meanwhile; the worker may have died before it could write the id down."""
    job = abandoned(cluster)
    if not told:
        JobFolder.of(job.output_path).note_id("")
        assert JobFolder.of(job.output_path).id is None
    thread = cluster.start()
    wait_for(lambda: "goes on with fake 1" in cluster.logged(job))
    cluster.fake.run("1")
    wait_for(lambda: cluster.store.job(1).state == "succeeded")
    assert (len(cluster.fake.jobs), finished(job)) == (1, True)
    cluster.stop(thread)


def test_a_job_that_was_edited_meanwhile_is_submitted_anew(cluster: Cluster) -> None:
    job = abandoned(cluster)
    left = JobFolder.of(job.output_path)
    assert left.command
    left.job.write_text(json.dumps({**left.command, "recipe": {"prompt": "another"}}))
    thread = cluster.start()
    cluster.wait_for_job(2)
    assert cluster.fake.jobs["1"].end == "cancelled"
    cluster.stop(thread)


def test_a_worker_that_lost_its_lease_leaves_the_job_to_the_next(cluster: Cluster) -> None:
    job = cluster.add()
    thread = cluster.start()
    cluster.wait_for_job()
    wait_for(cluster.store.workers)
    with cluster.store.database.write() as connection:
        leases._let_go(connection, cluster.store.workers()[0].id, 0.0)
    wait_for(lambda: "goes on with fake 1" in cluster.logged(job))
    assert (len(cluster.fake.jobs), cluster.fake.jobs["1"].state) == (1, "waiting")
    cluster.stop(thread)


@pytest.mark.parametrize("poll_seconds", [0.005, 0.04])  # within the longer one a job may end whose id was not told
@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_every_job_ends_once_whatever_happens(
    cluster: Cluster, ledger: Callable[[], list[str]], count: int, poll_seconds: float
) -> None:
    fake = cluster.use(nodes=8, trouble=0.02, seed=count)
    fake.poll_seconds = poll_seconds
    jobs = [cluster.add(str(number), windows=1, max_attempts=99, degrade=False) for number in range(count - 3)]
    bad = [cluster.add(f"bad{n}", windows=1, fail_at=1, times=99, exit_code=2, code="wrong") for n in range(3)]
    ended = cluster.run(slots=24)
    assert (ended["succeeded"], ended["failed"]) == (len(jobs), len(bad))
    assert endings(cluster.events) == dict.fromkeys(range(1, count + 1), 1)
    assert all(finished(job) for job in jobs)
    assert sorted(line for line in ledger() if line.startswith("finish")) == sorted(
        f"finish {job.output_path.name}" for job in jobs
    )
    history = [film.job for film in cluster.store.history(2 * count)]
    assert (len(history), len(set(history))) == (len(jobs), len(jobs))
    assert not list(cluster.films.glob("*.job"))
    assert fake.counts.total() > count / 10
