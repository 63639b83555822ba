"""The queue on a real Ray of two nodes with a CPU each, both on this machine; skipped where ray is not installed."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from skyreels_cli.queue import actions
from skyreels_cli.queue.job import Job
from tests.queue.conftest import wait_for

from .site import LONG, MINUTES, SHORT, Site

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
Record = Callable[[str, object], None]
BUFFER = 100_000_000  # bytes that a node shares with its actors; they pass no more than events


class Ray:
    """A head without CPUs, for the drivers, and nodes that may die."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "object_store_memory": BUFFER, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self._cluster.address
        self.nodes = [self.add_node(), self.add_node()]

    def add_node(self) -> Any:
        return self._cluster.add_node(num_cpus=1, object_store_memory=BUFFER)

    def cut_power(self, actor: psutil.Process) -> None:
        """Kill the node that an actor is on, and the actor; a new node takes its place."""
        (dead,) = [node for node in self.nodes if _raylet(node) == actor.ppid()]
        self._cluster.remove_node(dead, allow_graceful=False)
        with suppress(psutil.Error):
            actor.kill()
        self.nodes.remove(dead)
        self.nodes.append(self.add_node())

    def stop(self) -> None:
        self._cluster.shutdown()


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def actors() -> list[psutil.Process]:
    """The renderers at work on this machine."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if "FarRenderer" in " ".join(process.cmdline()):
                found.append(process)
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films that were rendered without a queue."""
    return tmp_path_factory.mktemp("alone")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Ray]:
    cluster = Ray()
    yield cluster
    cluster.stop()


@pytest.fixture
def site(home: Path, tmp_path: Path, alone: Path, cluster: Ray) -> Iterator[Site]:
    (tmp_path / "films").mkdir()
    executor = ["--executor", "ray", "-O", f"ray.address={cluster.address}"]
    site = Site(home, tmp_path / "films", alone, executor, {})
    yield site
    site.close()
    wait_for(lambda: not actors(), 60)


def seconds_to_first_step(site: Site, job: Job) -> float:
    claimed, step = (site.told(job, name)[0]["came"] for name in ("job_claimed", "step_done"))
    return float(step - claimed)


def loads(site: Site) -> int:
    return sum(event.get("stage") == "loading transformer" for event in site.events)


def test_twelve_jobs_on_two_slots_find_the_model_loaded(site: Site, record_property: Record) -> None:
    jobs = [site.add(f"film{number}", seed=number % 3) for number in range(12)]
    site.finish(site.start("--slots", "2"))
    site.all_right(*jobs)
    assert all(site.same_as_alone(job) for job in jobs)
    assert {each["text"] for job in jobs for each in site.told(job, "job_placed")} <= {
        "ray", f"ray on {socket.gethostname()}",
    }  # fmt: skip
    assert loads(site) == 2
    cold = [seconds_to_first_step(site, job) for job in jobs[:2]]
    warm = [seconds_to_first_step(site, job) for job in jobs[2:]]
    usual = sorted(warm)[len(warm) // 2]
    record_property("seconds to the first step: cold", f"{min(cold):.2f}")
    record_property("warm", f"{usual:.2f}")
    assert min(cold) >= 5 * usual


def test_an_actor_takes_the_jobs_of_its_model(site: Site) -> None:
    half = [*SHORT, "--dtype", "bfloat16"]
    jobs = [site.add(f"film{number}", half if number % 2 else SHORT) for number in range(6)]
    site.finish(site.start("--slots", "2"))
    site.all_right(*jobs)
    assert loads(site) == 2


def test_an_actor_dies(site: Site) -> None:
    job = site.add("killed", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    (actor,) = actors()
    actor.kill()
    site.finish(worker)
    site.all_right(job)
    assert "the renderer's actor is gone" in site.log(job)
    assert site.same_as_alone(job)


def test_a_node_dies_with_its_actor(site: Site, cluster: Ray) -> None:
    job = site.add("orphan", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    (actor,) = actors()
    cluster.cut_power(actor)
    site.finish(worker)
    site.all_right(job)
    assert "the renderer's actor is gone" in site.log(job)
    assert site.same_as_alone(job)


def test_a_worker_is_killed_while_jobs_run_and_none_is_lost_or_made_twice(site: Site) -> None:
    jobs = [site.add(f"kept{number}", LONG) for number in range(2)] + [site.add(f"next{number}") for number in range(2)]
    worker = site.start("--slots", "2")
    site.wait_for_steps(jobs[0], 3)
    worker.kill()
    worker.wait()
    site.finish(site.start("--slots", "2"))
    site.all_right(*jobs)
    assert all(site.same_as_alone(job) for job in jobs)


def test_ctrl_c_in_the_worker_leaves_films_that_go_on(site: Site) -> None:
    job = site.add("stopped", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(MINUTES) == 130
    assert site.state(job) == "queued"
    assert not actors()
    site.finish(site.start())
    assert site.resumed(job)
    assert site.same_as_alone(job)


def test_cancel_and_retry(site: Site) -> None:
    cancelled, after = site.add("cancelled", LONG), site.add("after")
    worker = site.start()
    site.wait_for_steps(cancelled, 5)
    actions.cancel(site.store, cancelled.id)
    site.finish(worker)
    assert [site.state(job) for job in (cancelled, after)] == ["cancelled", "succeeded"]
    assert loads(site) == 1  # the actor was kept
    actions.retry(site.store, cancelled.id)
    site.finish(site.start())
    site.all_right(after, cancelled)
    assert site.same_as_alone(cancelled)


def test_pause_and_a_job_that_fails(site: Site) -> None:
    paused, bad = site.add("paused", LONG), site.add("bad")
    site.spoil(bad)
    worker = site.start()
    site.wait_for_steps(paused, 3)
    actions.pause(site.store, paused.id)
    site.finish(worker)
    assert [site.state(job) for job in (paused, bad)] == ["paused", "failed"]
    assert site.store.job(bad.id).error_code == "model-not-found"
    actions.resume(site.store, paused.id)
    site.finish(site.start())
    assert site.same_as_alone(paused)


def test_a_job_waits_while_the_cluster_is_full_and_a_slot_without_a_job_gives_way(site: Site) -> None:
    jobs = [site.add(f"film{number}", LONG) for number in range(3)]
    worker = site.start("--slots", "3")

    def places() -> dict[str, list[int | None]]:
        found: dict[str, list[int | None]] = {}
        for each in site.store.workers():
            found.setdefault(each.place or "", []).append(each.job)
        return found

    here = f"running (ray on {socket.gethostname()})"
    wait_for(lambda: {place: len(held) for place, held in places().items()} == {"queued (ray)": 1, here: 2}, MINUTES)
    for number in places()[here]:
        assert number
        actions.cancel(site.store, number)
    site.finish(worker)
    assert sorted(site.state(job) for job in jobs) == ["cancelled", "cancelled", "succeeded"]
