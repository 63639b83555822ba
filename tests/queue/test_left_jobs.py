"""Jobs on other machines whose worker is gone: followed by the next one, or stopped without any."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store

from .cluster import Cluster, abandoned, finished
from .conftest import new_job, wait_for
from .fake_cluster import FakeJob


def finish_as_it_is(cluster: Cluster, job: Job) -> None:
    """Let a worker find the job that was left: it goes on, and nothing is submitted anew."""
    thread = cluster.start()
    wait_for(lambda: "goes on with fake 1" in cluster.logged(job))
    cluster.fake.run("1")
    wait_for(lambda: cluster.store.job(1).state == "succeeded")
    assert (len(cluster.fake.jobs), finished(job)) == (1, True)
    cluster.stop(thread)


@pytest.mark.parametrize("told", [True, False])
def test_a_job_that_a_dead_worker_left_is_gone_on_with(cluster: Cluster, *, told: bool) -> None:
    """It has ended meanwhile; the worker may have died before it could write the id down."""
    job = abandoned(cluster)
    if not told:
        JobFolder.of(job.output_path).note_id("")
        assert JobFolder.of(job.output_path).id is None
    finish_as_it_is(cluster, job)


def test_a_film_that_was_finished_while_no_worker_was_there(cluster: Cluster) -> None:
    job = abandoned(cluster, keep_work=True)
    cluster.fake.run("1")
    assert cluster.run() == {"succeeded": 1}
    assert (len(cluster.fake.jobs), finished(job)) == (1, True)
    assert not JobFolder.of(job.output_path).path.exists()


STOPS: dict[str, Callable[[Store], object]] = {
    "cancel": lambda store: actions.cancel(store, 1),
    "pause": lambda store: actions.pause(store, 1),
    "pause_all": actions.pause_all,
    "edit": lambda store: actions.edit(store, 1, new_job(store.job(1).output_path, prompt="another")),
    "remove": lambda store: actions.remove(store, [1]),
    "clear": lambda store: actions.clear(store, ["queued"]),
}


@pytest.mark.parametrize("ask", STOPS.values(), ids=STOPS.keys())
def test_a_job_is_stopped_elsewhere_without_a_worker(cluster: Cluster, ask: Callable[[Store], object]) -> None:
    job = abandoned(cluster, wait_at=2)
    rendering = threading.Thread(target=cluster.fake.run, args=("1",), daemon=True)
    rendering.start()
    wait_for((cluster.films / "a.mp4.skyreels.accidents").exists)
    ask(cluster.store)
    rendering.join(60)
    assert cluster.fake.jobs["1"].state == "over"
    assert not Path(job.output).exists()


@pytest.mark.parametrize("what", [actions.cancel, actions.pause])
def test_what_was_asked_of_a_worker_that_died_before_it_could_pass_it_on(
    cluster: Cluster, what: Callable[[Store, int], Job]
) -> None:
    job = abandoned(cluster)
    owner = leases.register(cluster.store, "auto")
    leases.claim(cluster.store, owner)
    assert what(cluster.store, 1).state == "running"
    assert not JobFolder.of(job.output_path).is_asked_to_stop()
    with cluster.store.database.write() as connection:
        connection.execute("UPDATE workers SET boot = 'before'")
    leases.reap(cluster.store)
    assert cluster.store.job(1).state in ("cancelled", "paused")
    assert JobFolder.of(job.output_path).is_asked_to_stop()


def test_a_job_of_that_name_which_is_another_one_is_not_stopped(cluster: Cluster) -> None:
    job = abandoned(cluster)
    left = JobFolder.of(job.output_path)
    left.job.write_text(json.dumps({**(left.command or {}), "job": 2}))
    actions.cancel(cluster.store, 1)
    assert not left.is_asked_to_stop()


def test_a_job_that_goes_on_before_it_has_stopped_keeps_its_place(cluster: Cluster) -> None:
    job = abandoned(cluster)
    actions.cancel(cluster.store, 1)
    actions.retry(cluster.store, 1)
    finish_as_it_is(cluster, job)


def test_a_job_that_has_stopped_without_a_worker_is_submitted_anew(cluster: Cluster) -> None:
    job = abandoned(cluster)
    actions.pause(cluster.store, 1)
    cluster.fake.run("1")
    actions.resume(cluster.store, 1)
    cluster.use(nodes=1)
    cluster.fake.jobs["1"] = FakeJob(JobFolder.of(job.output_path), "", 1, "over")
    assert cluster.run() == {"queued": 1, "succeeded": 1}
    assert finished(job)


def test_to_start_over_is_not_to_go_on(cluster: Cluster) -> None:
    job = abandoned(cluster)
    actions.cancel(cluster.store, 1)
    actions.retry(cluster.store, 1, fresh=True)
    thread = cluster.start()
    cluster.wait_for_job(2)
    assert cluster.fake.jobs["1"].end == "cancelled"
    assert "goes on" not in cluster.logged(job)
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
