from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import JobLog
from skyreels_cli.queue.store import Store

from .conftest import new_job


@pytest.fixture
def add(store: Store, films: Path) -> Callable[..., Job]:
    """Add a job with a name of its own."""
    count = iter(range(1000))
    return lambda **more: store.add(new_job(films / f"{next(count)}.mp4", **more))


def waiting(store: Store) -> list[int]:
    return [job.id for job in store.jobs(["queued", "paused"])]


def run_one(store: Store) -> Job:
    claimed = leases.claim(store, leases.register(store, "cpu"))
    assert claimed
    return claimed[0]


def refused(code: str, act: Callable[[], object]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        act()
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    return caught.value


def test_waiting_jobs_are_cancelled_paused_and_resumed_at_once(store: Store, add: Callable[..., Job]) -> None:
    job = add()
    assert actions.pause(store, job.id).state == "paused"
    assert actions.resume(store, job.id).state == "queued"
    cancelled = actions.cancel(store, job.id)
    assert (cancelled.state, cancelled.finished_at is None) == ("cancelled", False)
    again = actions.retry(store, job.id)
    assert (again.state, again.finished_at, again.attempts) == ("queued", None, 0)


def test_a_running_job_is_asked(store: Store, add: Callable[..., Job]) -> None:
    add()
    job = run_one(store)
    assert (actions.pause(store, job.id).state, store.job(job.id).request) == ("running", "pause")
    assert actions.resume(store, job.id).request is None
    actions.cancel(store, job.id)
    assert actions.pause(store, job.id).request == "cancel"
    assert actions.resume(store, job.id).request == "cancel"


def test_what_does_not_suit_a_state_is_refused_with_what_does(store: Store, add: Callable[..., Job]) -> None:
    add()
    running = run_one(store)
    for act in (actions.retry, lambda s, n: actions.move(s, n, 1), lambda s, n: actions.remove(s, [n])):
        error = refused("job-state", lambda act=act: act(store, running.id))
        assert f"job {running.id} is running" in error.message
        assert error.hint == f"skyreels queue cancel {running.id}"
    over = add()
    actions.cancel(store, over.id)
    for act in (actions.cancel, actions.pause, actions.resume):
        assert refused("job-state", lambda act=act: act(store, over.id)).hint == f"skyreels queue retry {over.id}"
    refused("job-not-found", lambda: actions.cancel(store, 99))


def test_moving(store: Store, add: Callable[..., Job]) -> None:
    for _ in range(5):
        add()
    actions.move(store, 4, 1)
    assert waiting(store) == [4, 1, 2, 3, 5]
    actions.move(store, 4, 3)
    assert waiting(store) == [1, 2, 4, 3, 5]
    actions.move(store, 1, None)
    assert waiting(store) == [2, 4, 3, 5, 1]
    actions.move(store, 5, 99)
    assert waiting(store) == [2, 4, 3, 1, 5]


def test_moving_among_priorities_takes_on_the_nearest_that_fits(store: Store, add: Callable[..., Job]) -> None:
    for priority in (9, 9, 5, 0, 0):
        add(priority=priority)
    assert waiting(store) == [1, 2, 3, 4, 5]
    assert actions.move(store, 5, 1).priority == 9
    assert waiting(store) == [5, 1, 2, 3, 4]
    assert actions.move(store, 1, None).priority == 0
    assert waiting(store) == [5, 2, 3, 4, 1]
    assert actions.move(store, 4, 3).priority == 5
    assert waiting(store) == [5, 2, 4, 3, 1]


def test_a_spot_can_be_halved_for_ever(store: Store, add: Callable[..., Job]) -> None:
    for _ in range(4):
        add()
    order = [1, 2, 3, 4]
    for turn in range(120):
        number = (3, 4)[turn % 2]
        actions.move(store, number, 2)
        order.remove(number)
        order.insert(1, number)
        assert waiting(store) == order


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(-1, 1), min_size=2, max_size=7),
    st.lists(st.tuples(st.integers(1, 7), st.one_of(st.none(), st.integers(1, 8))), max_size=12),
)
def test_a_moved_job_is_where_it_was_put_and_the_rest_keep_their_order(
    tmp_path_factory: pytest.TempPathFactory, priorities: list[int], moves: list[tuple[int, int | None]]
) -> None:
    folder = tmp_path_factory.mktemp("queue")
    store = Store(folder)
    store.database._connection.execute("PRAGMA synchronous=OFF")
    for number, priority in enumerate(priorities):
        store.add(new_job(folder / f"{number}.mp4", priority=priority))
    for number, rank in moves:
        if number > len(priorities):
            continue
        others = [job for job in waiting(store) if job != number]
        actions.move(store, number, rank)
        place = len(others) if rank is None else min(rank - 1, len(others))
        assert waiting(store) == [*others[:place], number, *others[place:]]
        found = store.jobs(["queued"])
        assert [job.priority for job in found] == sorted((job.priority for job in found), reverse=True)
    store.database.close()


def test_priorities_reorder(store: Store, add: Callable[..., Job]) -> None:
    for _ in range(3):
        add()
    actions.set_priority(store, 3, 1)
    assert waiting(store) == [3, 1, 2]
    actions.set_priority(store, 1, -1)
    assert waiting(store) == [3, 2, 1]


def test_an_edited_job_says_something_else_and_counts_anew(store: Store, films: Path) -> None:
    job = store.add(new_job(films / "a.mp4", "a ball"))
    owner = leases.register(store, "cpu")
    leases.claim(store, owner)
    leases.note_output(store, owner, job.id, "")
    error = {"code": "internal", "message": "no", "hint": None, "exit_code": 1}
    leases.fail(store, owner, job.id, {"steps_done": 4}, error)
    new = new_job(films / "b.mp4", "a cube", windows=5)
    edited = actions.edit(store, job.id, replace(new, degrade=False, max_attempts=7))
    assert (edited.state, edited.prompt, edited.total_steps, edited.steps_done) == ("failed", "a cube", 15, 0)
    assert (edited.output, edited.output_before, edited.reworded) == (str(films / "b.mp4"), None, True)
    assert (edited.degrade, edited.max_attempts, edited.best_steps) == (False, 7, 0)
    assert actions.retry(store, job.id).state == "queued"


def test_a_duplicate_says_the_same_under_another_name(store: Store, films: Path) -> None:
    job = store.add(new_job(films / "a.mp4", seed=5, priority=3, max_attempts=9, placement={"offload": "stream"}))
    again = actions.duplicate(store, job.id)
    assert again.output == str(films / "a_2.mp4")
    for name in ("draft", "recipe", "plan", "placement", "priority", "max_attempts", "model_key"):
        assert getattr(again, name) == getattr(job, name)
    assert again.uid != job.uid


def test_retry_fresh_forgets_the_work_and_what_memory_had_changed(store: Store, films: Path) -> None:
    job = store.add(new_job(films / "a.mp4"))
    owner = leases.register(store, "cpu")
    leases.claim(store, owner)
    step = {"change": {"offload": "stream"}, "was": {"offload": "none"}, "at": 0.0, "reason": "memory"}
    leases.degrade(store, owner, store.job(job.id), {"steps_done": 3}, step)
    work = films / "a.mp4.skyreels"
    work.mkdir()
    (work / "piece").touch()
    actions.cancel(store, job.id)
    kept = actions.retry(store, job.id)
    assert (kept.overrides, kept.degradations) == ({"offload": "stream"}, [step])
    assert work.exists()
    actions.cancel(store, job.id)
    fresh = actions.retry(store, job.id, fresh=True)
    assert (fresh.overrides, fresh.degradations, work.exists()) == ({}, [], False)


def test_removing_takes_logs_and_unused_assets_along(store: Store, films: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.png").write_text(name)
    first = store.add(new_job(films / "a.mp4", image=str(tmp_path / "one.png")))
    store.add(new_job(films / "b.mp4", image=str(tmp_path / "two.png")))
    store.add(new_job(films / "c.mp4", image=str(tmp_path / "two.png")))
    JobLog(store.log(first.id)).note("attempt 1")
    folders = {Path(store.assets.resolve(store.job(n).draft)["image"]).parent for n in (1, 2, 3)}
    assert len(folders) == 2
    old = time.time() - 7200
    for folder in folders:
        os.utime(folder, (old, old))
    assert actions.remove(store, [1, 2]) == 2
    assert not store.log(first.id).exists()
    left = store.assets.folder / store.job(3).draft["image"].removeprefix("asset:")
    assert list(store.assets.folder.iterdir()) == [left.parent]
    assert left.read_text() == "two"


def test_a_new_asset_is_spared_for_its_job_may_just_be_coming(store: Store, films: Path, tmp_path: Path) -> None:
    (tmp_path / "one.png").write_text("one")
    store.add(new_job(films / "a.mp4"))
    store.assets.take_in({"image": str(tmp_path / "one.png")})
    actions.clear(store, ["queued"])
    assert len(list(store.assets.folder.iterdir())) == 1


def test_clear_leaves_alone_what_runs(store: Store, add: Callable[..., Job]) -> None:
    for _ in range(3):
        add()
    run_one(store)
    actions.cancel(store, 2)
    assert actions.clear(store, ["queued", "running", "cancelled"]) == 2
    assert [job.state for job in store.jobs()] == ["running"]


def test_the_whole_queue_stands_still(store: Store, add: Callable[..., Job]) -> None:
    add()
    actions.pause_all(store)
    assert store.paused
    owner = leases.register(store, "cpu")
    assert leases.claim(store, owner) is None
    actions.resume_all(store)
    assert not store.paused
    assert leases.claim(store, owner) is not None
