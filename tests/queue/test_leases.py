from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.owner import Owner, is_stale, process_start, this_process
from skyreels_cli.queue.store import Store

from .conftest import film, new_job

ERROR = {"code": "internal", "message": "it broke", "hint": None, "exit_code": 1}


@dataclass
class Clocks:
    """Both clocks of a machine, set by hand."""

    wall: float = 1_800_000_000.0
    up: float = 5_000.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.up += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def timed(tmp_path: Path, clocks: Clocks) -> Store:
    return Store(tmp_path / "queue", now=lambda: clocks.wall, up=lambda: clocks.up)


def take(store: Store, owner: Owner, warm: str | None = None) -> Job:
    claimed = leases.claim(store, owner, warm)
    assert claimed is not None
    return claimed[0]


def fill(store: Store, films: Path, count: int, **more: object) -> list[Job]:
    return [store.add(new_job(films / f"{number}.mp4", **more)) for number in range(count)]


def test_the_highest_priority_goes_first_then_the_order_of_the_list(store: Store, films: Path) -> None:
    for number, priority in enumerate((0, 5, 0, 5, -1)):
        store.add(new_job(films / f"{number}.mp4", priority=priority))
    owner = leases.register(store, "cpu")
    taken = [take(store, owner) for _ in range(5)]
    assert [job.id for job in taken] == [2, 4, 1, 3, 5]
    assert {(job.state, job.owner, job.attempts) for job in taken} == {("running", owner.id, 1)}
    assert leases.claim(store, owner) is None


def test_paused_jobs_are_left_alone(store: Store, films: Path) -> None:
    fill(store, films, 2)
    actions.pause(store, 1)
    owner = leases.register(store, "cpu")
    assert take(store, owner).id == 2
    assert leases.claim(store, owner) is None


def test_a_loaded_model_goes_first_among_equals_only(store: Store, films: Path) -> None:
    for number, (model, priority) in enumerate((("a", 0), ("b", 0), ("a", 1), ("b", 0))):
        store.add(new_job(films / f"{number}.mp4", model=model, priority=priority))
    owner, warm = leases.register(store, "cpu"), store.job(2).model_key
    found = [leases.claim(store, owner, warm) for _ in range(4)]
    assert [(job.id, passed_by) for job, passed_by in filter(None, found)] == [
        (3, False),
        (2, True),
        (4, True),
        (1, False),
    ]


def test_who_has_lost_a_job_changes_nothing(timed: Store, films: Path, clocks: Clocks) -> None:
    fill(timed, films, 1)
    slow = leases.register(timed, "cpu", lease_seconds=30)
    job = take(timed, slow)
    clocks.go(31)
    quick = leases.register(timed, "cpu")
    leases.reap(timed)
    assert take(timed, quick).id == job.id
    before = timed.job(1)
    assert before.owner == quick.id
    reached = {"steps_done": 5}
    assert leases.heartbeat(timed, slow, {}, 1, reached).lost
    leases.begin(timed, slow, replace(job, plan={**job.plan, "total_rows": 999}))
    leases.note_output(timed, slow, 1, "1:2:3")
    assert leases.succeed(timed, slow, 1, reached, {"output": "x"}, film(1)) is None
    assert leases.fail(timed, slow, 1, reached, ERROR) is None
    assert leases.put_back(timed, slow, 1, reached, ERROR, 0.0, counts=False) is None
    assert leases.release(timed, slow, 1, reached) is None
    assert leases.degrade(timed, slow, job, reached, {"change": {}, "was": {}, "at": 0.0}) is None
    leases.retire(timed, slow)
    assert timed.job(1) == before
    assert timed.history() == []


def test_heartbeats_keep_a_lease_whatever_the_wall_clock_says(timed: Store, films: Path, clocks: Clocks) -> None:
    fill(timed, films, 1)
    owner = leases.register(timed, "cpu", lease_seconds=30)
    take(timed, owner)
    for jump in (-3600.0, 3600.0, 7200.0, -7200.0):
        clocks.wall += jump
        clocks.go(29)
        leases.reap(timed)
        assert timed.job(1).owner == owner.id
        assert not leases.heartbeat(timed, owner, {}, 1).lost


@pytest.mark.parametrize("jump", [-3600.0, 0.0, 3600.0])
def test_a_lease_that_is_not_renewed_ends_on_time_whatever_the_wall_clock_says(
    timed: Store, films: Path, clocks: Clocks, jump: float
) -> None:
    fill(timed, films, 1)
    leases.claim(timed, leases.register(timed, "cpu", lease_seconds=30))
    clocks.wall += jump
    clocks.go(29)
    leases.reap(timed)
    assert timed.job(1).state == "running"
    clocks.go(2)
    leases.reap(timed)
    assert (timed.job(1).state, timed.job(1).owner, timed.workers()) == ("queued", None, [])


def test_a_retry_waits_but_not_for_a_clock_that_was_set_back(timed: Store, films: Path, clocks: Clocks) -> None:
    fill(timed, films, 1)
    owner = leases.register(timed, "cpu")
    take(timed, owner)
    assert leases.put_back(timed, owner, 1, None, ERROR, 60.0, counts=True)
    assert leases.claim(timed, owner) is None
    clocks.go(59)
    assert leases.claim(timed, owner) is None
    clocks.wall -= 3600
    job = take(timed, owner)
    assert (job.attempts, job.retry_at, job.error_code) == (2, None, "internal")
    assert leases.put_back(timed, owner, 1, None, ERROR, 60.0, counts=True)
    clocks.go(61)
    assert take(timed, owner).attempts == 3


def test_a_dead_workers_job_is_put_back_at_once(store: Store, films: Path) -> None:
    fill(store, films, 1)
    script = f"""
import os, signal
from pathlib import Path
from skyreels_cli.queue import leases
from skyreels_cli.queue.store import Store
store = Store(Path({str(store.folder)!r}))
leases.claim(store, leases.register(store, "cpu", lease_seconds=9999))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = str(Path(__file__).parents[2])
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False).returncode == -9
    assert store.job(1).state == "running"
    assert [worker.alive for worker in store.workers()] == [False]
    assert [worker.job for worker in store.workers()] == [1]
    assert Store(store.folder).job(1).state == "running"  # opening resets nothing
    leases.reap(store)
    assert (store.job(1).state, store.job(1).attempts) == ("queued", 0)


def test_owners_are_told_apart_by_more_than_their_pid() -> None:
    me = this_process()
    assert me.started == process_start(me.pid)
    assert not me.is_dead()
    assert replace(me, started=f"{me.started}0").is_dead()
    assert replace(me, boot="another boot").is_dead()
    assert not replace(me, pid=2**22 + 1, pid_space="another container").is_dead()
    assert replace(me, pid=2**22 + 1).is_dead()
    assert this_process().id != me.id


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_start(child.pid)
    assert started is not None
    child.kill()
    assert child.stdin is not None
    child.stdin.close()
    while process_start(child.pid) == started:
        pass
    assert process_start(child.pid) is None
    child.wait()


def test_a_job_that_ten_workers_vanish_with_is_given_up(store: Store, films: Path) -> None:
    """A worker that is killed costs no attempt, as nine power cuts say nothing about the job."""
    fill(store, films, 1, max_attempts=1)
    for _ in range(leases.MOST_LOSSES):
        assert (store.job(1).state, store.job(1).attempts) == ("queued", 0)
        owner = leases.register(store, "cpu")
        assert take(store, owner).attempts == 1
        leases.retire(store, owner)
    job = store.job(1)
    assert (job.state, job.error_code, job.finished_at is None) == ("failed", "worker-lost", False)
    assert job.error is not None
    assert job.error["message"] == "the worker vanished 10 times before this job got any further"
    assert actions.retry(store, 1).state == "queued"
    lose_worker(store, 1)
    assert store.job(1).state == "queued"


def lose_worker(store: Store, times: int) -> None:
    for _ in range(times):
        owner = leases.register(store, "cpu")
        take(store, owner)
        leases.retire(store, owner)


def test_getting_further_counts_the_lost_workers_anew(store: Store, films: Path) -> None:
    fill(store, films, 1)
    lose_worker(store, leases.MOST_LOSSES - 1)
    owner = leases.register(store, "cpu")
    take(store, owner)
    leases.heartbeat(store, owner, {}, 1, {"steps_done": 1})
    leases.retire(store, owner)
    lose_worker(store, leases.MOST_LOSSES - 2)
    assert store.job(1).state == "queued"
    lose_worker(store, 1)
    assert store.job(1).state == "failed"


def test_getting_further_counts_the_attempts_anew(store: Store, films: Path) -> None:
    fill(store, films, 1, max_attempts=2)
    for rows in (1, 2, 3, 4):
        owner = leases.register(store, "cpu")
        take(store, owner)
        leases.heartbeat(store, owner, {}, 1, {"steps_done": rows})
        assert store.job(1).attempts == 1
        leases.retire(store, owner)
        assert (store.job(1).state, store.job(1).best_steps) == ("queued", rows)


@pytest.mark.parametrize(("ask", "state"), [(actions.cancel, "cancelled"), (actions.pause, "paused"), (None, "queued")])
def test_what_was_asked_is_done_when_the_worker_stops_or_dies(
    store: Store, films: Path, ask: Callable[[Store, int], Job] | None, state: str
) -> None:
    fill(store, films, 2)
    owner = leases.register(store, "cpu")
    for number in (1, 2):
        take(store, owner)
        if ask:
            ask(store, number)
    assert leases.heartbeat(store, owner, {}, 1).request == store.job(1).request
    assert leases.release(store, owner, 1, {"steps_done": 0}) == state
    assert (store.job(1).state, store.job(1).attempts, store.job(1).request) == (state, 0, None)
    leases.retire(store, owner)
    assert (store.job(2).state, store.job(2).request) == (state, None)
    assert (store.job(2).finished_at is not None) == (state == "cancelled")


def test_what_was_asked_is_done_even_where_the_job_would_be_tried_again(store: Store, films: Path) -> None:
    fill(store, films, 3)
    owner = leases.register(store, "cpu")
    jobs = [take(store, owner) for _ in range(3)]
    actions.cancel(store, 1)
    actions.pause(store, 2)
    actions.cancel(store, 3)
    step = {"change": {"offload": "stream"}, "was": {"offload": "none"}, "at": 0.0}
    assert leases.put_back(store, owner, 1, None, ERROR, 0.0, counts=True) == "cancelled"
    assert leases.degrade(store, owner, jobs[1], None, step) == "paused"
    assert leases.succeed(store, owner, 3, None, {}, film(3)) == "succeeded"
    assert [(job.finished_at is None, job.request) for job in store.jobs(sort="id")] == [
        (False, None),
        (True, None),
        (False, None),
    ]


def test_a_pause_that_was_taken_back_is_none(store: Store, films: Path) -> None:
    fill(store, films, 1)
    owner = leases.register(store, "cpu")
    take(store, owner)
    actions.pause(store, 1)
    actions.resume(store, 1)
    assert leases.release(store, owner, 1, None) == "queued"


def test_progress_is_kept_and_workers_tell_what_they_do(timed: Store, films: Path, clocks: Clocks) -> None:
    fill(timed, films, 1)
    owner = leases.register(timed, "cuda:1", "local")
    take(timed, owner)
    clocks.go(5)
    leases.heartbeat(timed, owner, {"gpus": []}, 1, {"steps_done": 2, "noise": [0.5]})
    leases.heartbeat(timed, owner, {"gpus": []}, 1, None)
    job, (worker,) = timed.job(1), timed.workers()
    assert (job.progress, job.steps_done) == ({"steps_done": 2, "noise": [0.5]}, 2)
    assert (worker.device, worker.job, worker.alive, worker.pid) == ("cuda:1", 1, True, owner.pid)
    assert (worker.sample, worker.heartbeat_at) == ({"gpus": []}, clocks.wall)
    clocks.go(31)
    assert [worker.alive for worker in timed.workers()] == [False]


def test_staleness_counts_on_the_clock_that_nobody_sets(store: Store) -> None:
    leases.register(store, "cpu", lease_seconds=30)
    (row,) = store.database.rows("SELECT * FROM workers")
    assert not is_stale(row, row["heartbeat_uptime"] + 30)
    assert is_stale(row, row["heartbeat_uptime"] + 31)
