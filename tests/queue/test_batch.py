"""Jobs on other machines: submitted, followed through their folders, stopped, found again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.queue import actions
from skyreels_cli.queue.batch import folder, renderer
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store

from .cluster import Cluster, finished
from .conftest import wait_for
from .fake_cluster import endings


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
    monkeypatch.setattr(folder, "FULL_BYTES", 10**15)
    job = cluster.add()
    thread = cluster.start()
    wait_for(lambda: "not submitted yet" in cluster.logged(job))
    monkeypatch.setattr(folder, "FULL_BYTES", 0)
    wait_for(lambda: cluster.store.job(1).state == "succeeded")
    cluster.stop(thread)
    assert cluster.logged(job).count(f"folder {job.output}.job cannot be written: No space left on device") == 1
    assert {"event": "job_placed", "job": 1, "state": "waiting", "text": "fake, not submitted yet"} in cluster.events
    assert finished(job)


def test_a_folder_that_may_not_be_written_is_told_at_once(cluster: Cluster) -> None:
    job = cluster.add()
    (cluster.films / "a.mp4.job").write_text("a file")
    assert cluster.run() == {"failed": 1}
    error = cluster.store.job(job.id).error
    assert error
    assert (error["code"], error["exit_code"]) == ("job-folder", 2)


def test_a_job_that_ended_on_a_full_disk_says_so(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    job = cluster.add(max_attempts=1)
    thread = cluster.start()
    submitted = cluster.wait_for_job()
    wait_for(lambda: "submitted" in cluster.logged(job))
    monkeypatch.setattr(folder, "FULL_BYTES", 10**15)
    cluster.fake.jobs[submitted].state = "over"
    wait_for(lambda: cluster.store.job(job.id).state == "failed")
    assert cluster.store.job(job.id).error == {
        "code": "disk-full",
        "message": "the job is over and its film is not: fake 1; the disk is full",
        "hint": f"df -h {cluster.films}",
        "exit_code": 1,
    }
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
