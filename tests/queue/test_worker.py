"""A worker with a scripted renderer: everything that can happen in a night."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from skyreels_local import child as child_module
from skyreels_local import executor as local
from skyreels_local.child import Child

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue import task as task_module
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import read_log
from skyreels_cli.queue.owner import Owner, process_start
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.worker import RendererEvents, Worker

from .conftest import CONFIG, FAKE, Night, film_of, new_job, wait_for

Ledger = Callable[[], list[str]]


@pytest.fixture
def add(store: Store, films: Path) -> Callable[..., Job]:
    """Add a job with a name of its own."""
    count = iter(range(1000))
    return lambda **more: store.add(new_job(films / f"{next(count)}.mp4", **more))


def finished(job: Job) -> bool:
    return Path(job.output).read_text() == film_of(job)


def log_of(store: Store, job: Job) -> str:
    return read_log(store.log(job.id))


def test_jobs_are_rendered_in_order_by_one_renderer(store: Store, films: Path, night: Night, ledger: Ledger) -> None:
    jobs = [store.add(new_job(films / f"{name}.mp4", seed=seed)) for seed, name in enumerate("abc")]
    assert night.run().ended == {"succeeded": 3}
    for job in jobs:
        after = store.job(job.id)
        assert (after.state, after.attempts, after.owner, after.error) == ("succeeded", 1, None, None)
        assert (after.steps_done, after.total_steps, after.plan["device"]) == (6, 6, "cuda:0")
        assert after.result is not None
        assert after.result["output"] == job.output
        assert finished(job)
    assert ledger() == ["load fake", "finish a.mp4", "finish b.mp4", "finish c.mp4"]
    assert [film.job for film in store.history()] == [3, 2, 1]
    assert store.history()[0].step_seconds == 0.001
    assert store.history()[0].flops_per_second == pytest.approx(1e12 / (6 * 0.001))
    assert (list(films.glob("*.skyreels")), store.workers()) == ([], [])


def test_a_model_that_is_loaded_goes_first_but_nothing_waits_for_ever(
    store: Store, add: Callable[..., Job], ledger: Ledger
) -> None:
    for model in ("a", "b", *"aaa"):
        add(model=model)
    Night(store, replace(CONFIG, patience=2)).run()
    assert [line.split()[1] for line in ledger()] == ["a", "0.mp4", "2.mp4", "3.mp4", "b", "1.mp4", "a", "4.mp4"]


def test_a_renderer_is_told_what_comes_next_for_the_model_that_it_has(
    store: Store, add: Callable[..., Job], night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[str]] = []

    class Heard(Child):
        def send(self, command: Mapping[str, Any]) -> None:
            told.append([recipe["prompt"] for recipe in command["next"]])
            super().send(command)

    monkeypatch.setattr(local, "Child", Heard)
    monkeypatch.setattr(task_module, "PREPARED_JOBS", 2)
    for prompt, model in (("a", "df"), ("b", "i2v"), ("c", "df"), ("d", "df"), ("e", "df")):
        add(prompt=prompt, model=model)
    night.run()
    assert told == [["c", "d"], ["d", "e"], ["e"], [], []]


def test_the_order_can_be_kept(store: Store, add: Callable[..., Job], ledger: Ledger) -> None:
    for model in "aba":
        add(model=model)
    Night(store, replace(CONFIG, patience=0)).run()
    assert [line.split()[1] for line in ledger()] == ["a", "0.mp4", "b", "1.mp4", "a", "2.mp4"]


def test_a_job_that_fails_costs_itself_alone(store: Store, add: Callable[..., Job], night: Night) -> None:
    good, bad, last = add(), add(fail_at=2, times=99), add()
    assert night.run().ended == {"succeeded": 2, "failed": 1, "queued": 2}
    after = store.job(bad.id)
    assert (after.state, after.attempts, after.best_steps) == ("failed", 3, 2)
    assert after.error == {
        "code": "internal", "message": "it went wrong: internal", "hint": "do it right", "exit_code": 1,
    }  # fmt: skip
    assert finished(good)
    assert finished(last)
    assert log_of(store, bad).count(f"job {bad.id}: an accident") == 3
    assert "attempt 3 of 3" in log_of(store, bad)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_renderer_that_dies_costs_an_attempt_and_the_film_goes_on(
    store: Store, add: Callable[..., Job], night: Night, number: int
) -> None:
    job, other = add(die_at=4, signal=number), add()
    assert night.run().ended == {"queued": 1, "succeeded": 2}
    assert finished(job)
    assert finished(other)
    resumed = next(event for event in night.events if event["event"] == "film_resumed")
    assert (resumed["windows"], resumed["frames"]) == (1, 4)
    log = log_of(store, job)
    assert f"the renderer was killed by {signal.Signals(number).name}; trying again at once" in log
    assert "the renderer's last words" in log


def test_a_renderer_that_dies_again_and_again_without_getting_further(
    store: Store, add: Callable[..., Job], night: Night
) -> None:
    job = add(die_at=0, times=99, max_attempts=2)
    assert night.run().ended == {"queued": 1, "failed": 1}
    after = store.job(job.id)
    assert after.error is not None
    assert (after.error["code"], after.error["message"]) == ("renderer-died", "the renderer was killed by SIGSEGV")
    assert after.error["hint"] == f"skyreels queue logs {job.id}"
    assert actions.retry(store, job.id).attempts == 0


def test_what_cannot_get_better_is_not_tried_again(
    store: Store, add: Callable[..., Job], night: Night, ledger: Ledger
) -> None:
    bad = add(fail_at=0, times=99, code="model-not-found", exit_code=2)
    add()
    assert night.run().ended == {"failed": 1, "succeeded": 1}
    assert store.job(bad.id).attempts == 1
    assert ledger().count("load fake") == 1  # the renderer was kept


def test_what_may_get_better_is_tried_again_later(store: Store, add: Callable[..., Job]) -> None:
    job = add(fail_at=0, times=2, code="network", exit_code=3)
    other, night = add(), Night(store, replace(CONFIG, retry_seconds=0.7))
    assert night.run().ended == {"queued": 2, "succeeded": 2}
    claimed = [event["job"] for event in night.events if event["event"] == "job_claimed"]
    assert claimed == [job.id, other.id, job.id, job.id]
    assert store.job(job.id).error is None


def test_a_film_that_somebody_else_makes_is_waited_for(store: Store, add: Callable[..., Job], night: Night) -> None:
    job = add(fail_at=0, times=5, code="film-busy", exit_code=2, max_attempts=1)
    assert night.run().ended == {"queued": 5, "succeeded": 1}
    assert finished(job)


def test_memory_runs_out_and_the_job_takes_step_after_step(store: Store, add: Callable[..., Job], night: Night) -> None:
    job = add(needs={"offload": ["stream"], "base_num_frames": [49]})
    assert night.run().ended == {"queued": 3, "succeeded": 1}
    after = store.job(job.id)
    steps = [(step["change"], step["was"], step["reason"]) for step in after.degradations]
    assert steps == [
        ({"offload": "stream"}, {"offload": "none"}, "out of memory: CUDA"),
        ({"base_num_frames": 69}, {"base_num_frames": 97}, "out of memory: CUDA"),
        ({"base_num_frames": 49}, {"base_num_frames": 69}, "out of memory: CUDA"),
    ]
    assert (after.current_recipe["base_num_frames"], after.recipe["base_num_frames"]) == (49, 97)
    assert "out of memory; trying again with base_num_frames 97 → 69" in log_of(store, job)
    told = [event["degraded"] for event in night.events if "degraded" in event]
    assert told == [change for change, _, _ in steps]


def test_memory_runs_out_for_good(store: Store, add: Callable[..., Job], night: Night) -> None:
    job = add(needs={"base_num_frames": [1]})
    assert night.run().ended == {"queued": 5, "failed": 1}
    changes = [step["change"] for step in store.job(job.id).degradations]
    assert changes == [
        {"offload": "stream"},
        {"base_num_frames": 69},
        {"base_num_frames": 49},
        {"base_num_frames": 33},
        {"weights_dtype": "fp8"},
    ]
    assert store.job(job.id).error_code == "out-of-memory"


def test_the_system_killed_the_renderer_for_its_memory(
    store: Store, add: Callable[..., Job], night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter((7, 8))
    monkeypatch.setattr(child_module, "oom_kills", lambda: next(kills, 8))
    job = add(die_at=0, signal=signal.SIGKILL)
    assert night.run().ended == {"queued": 1, "succeeded": 1}
    (step,) = store.job(job.id).degradations
    assert step["reason"] == "the renderer was killed by SIGKILL, as the system had run out of memory"
    assert step["change"] == {"offload": "stream"}


def test_nothing_is_given_up_where_that_is_not_wanted(store: Store, add: Callable[..., Job]) -> None:
    job = add(needs={"offload": ["stream"]}, degrade=False)
    assert Night(store).run().ended == {"failed": 1}
    assert (store.job(job.id).error_code, store.job(job.id).degradations) == ("out-of-memory", [])
    other = add(needs={"offload": ["stream"]})
    assert Night(store, replace(CONFIG, degrade=False)).run().ended == {"failed": 1}
    assert store.job(other.id).error_code == "out-of-memory"


def stop_at(night: Night, event: str, act: Callable[[], object]) -> None:
    night.on(event, lambda _: act())


def test_a_running_job_is_cancelled_within_a_step_and_can_be_taken_up_again(
    store: Store, add: Callable[..., Job], night: Night, ledger: Ledger
) -> None:
    job, other = add(wait_at=3), add()
    stop_at(night, "step_done", lambda: actions.cancel(store, job.id))
    assert night.run().ended == {"cancelled": 1, "succeeded": 1}
    cancelled = store.job(job.id)
    assert (cancelled.state, cancelled.attempts, cancelled.request) == ("cancelled", 0, None)
    assert cancelled.steps_done == 4
    assert ledger().count("load fake") == 1  # the model stayed for the next job
    actions.retry(store, job.id)
    again = Night(store)
    assert again.run().ended == {"succeeded": 1}
    assert "film_resumed" in again.names()
    assert finished(job)
    assert finished(other)


def test_a_paused_job_frees_the_device_and_goes_on_later(
    store: Store, add: Callable[..., Job], night: Night, ledger: Ledger
) -> None:
    job, other = add(wait_at=3), add()
    stop_at(night, "step_done", lambda: actions.pause(store, job.id))
    assert night.run().ended == {"paused": 1, "succeeded": 1}
    assert store.job(job.id).state == "paused"
    assert ledger() == ["load fake", "load fake", f"finish {Path(other.output).name}"]
    actions.resume(store, job.id)
    assert Night(store).run().ended == {"succeeded": 1}
    assert finished(job)


def test_a_paused_queue_puts_its_job_back_and_starts_none(store: Store, add: Callable[..., Job], night: Night) -> None:
    first, second = add(wait_at=3), add()
    stop_at(night, "step_done", lambda: actions.pause_all(store))
    assert night.run().ended == {"queued": 1}
    assert [(job.id, job.state, job.attempts) for job in store.jobs()] == [
        (first.id, "queued", 0),
        (second.id, "queued", 0),
    ]
    actions.resume_all(store)
    assert Night(store).run().ended == {"succeeded": 2}


def test_a_signal_checkpoints_and_puts_back(store: Store, add: Callable[..., Job], night: Night) -> None:
    job = add(wait_at=3, checkpoint=False)
    stop_at(night, "step_done", lambda: night.signals.take(signal.SIGTERM, None))
    assert night.run(once=False).ended == {"queued": 1}
    assert (store.job(job.id).state, store.workers()) == ("queued", [])
    assert (Path(job.output + ".skyreels") / "state.json").exists()


def test_a_renderer_that_does_not_stop_is_killed_when_its_time_is_up(store: Store, add: Callable[..., Job]) -> None:
    job = add(hang_at=0)
    night = Night(store, replace(CONFIG, grace_seconds=0.3))
    stop_at(night, "window_started", lambda: night.signals.take(signal.SIGTERM, None))
    assert night.run(once=False).ended == {"queued": 1}
    assert "the renderer did not stop in time" in log_of(store, job)
    assert Night(store).run().ended == {"succeeded": 1}
    assert finished(job)


def test_a_second_signal_does_not_wait(store: Store, add: Callable[..., Job]) -> None:
    add(hang_at=0)
    night = Night(store, replace(CONFIG, grace_seconds=600.0))
    stop_at(night, "window_started", lambda: [night.signals.take(signal.SIGINT, None) for _ in range(2)])
    began = time.monotonic()
    assert night.run(once=False).ended == {"queued": 1}
    assert time.monotonic() - began < 300
    assert night.signals.first == signal.SIGINT


def test_a_renderer_that_hangs_is_found_out(store: Store, add: Callable[..., Job]) -> None:
    """On a slow machine so does one that has not begun yet."""
    job = add(hang_at=3, max_attempts=99)
    ended = Night(store, replace(CONFIG, stall_seconds=0.5)).run().ended
    assert (ended["succeeded"], ended["queued"] > 0) == (1, True)
    assert finished(job)
    assert "the renderer hangs" in log_of(store, job)


def test_an_idle_renderer_gives_its_memory_back(store: Store, add: Callable[..., Job]) -> None:
    add()
    inbox: RendererEvents = SimpleQueue()
    worker = Worker(store, replace(CONFIG, idle_seconds=0.3), local.Local(FAKE), inbox, lambda event: None)

    def turn() -> Worker:
        while not inbox.empty():
            worker.hear(*inbox.get())
        worker.tick()
        return worker

    wait_for(lambda: turn().task is None and store.job(1).state == "succeeded")
    child = worker._renderer
    assert isinstance(child, Child)
    assert process_start(child.pid)
    wait_for(lambda: turn()._renderer is None)
    assert process_start(child.pid) is None
    worker.leave()


def test_a_lost_lease_ends_the_work_and_the_worker_starts_again(
    store: Store, add: Callable[..., Job], night: Night
) -> None:
    job = add(wait_at=3)

    def lose(_: object) -> None:
        with store.database.write() as connection:
            (worker,) = store.workers()
            leases._let_go(connection, worker.id, 0.0)

    night.on("step_done", lose)
    assert night.run().ended == {"succeeded": 1}
    assert "lease_lost" in night.names()
    assert finished(job)


def test_a_store_in_trouble_delays_the_end_of_a_job_but_loses_it_not(
    store: Store, add: Callable[..., Job], night: Night, monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    job, refusals, succeed = add(), iter(range(4)), leases.succeed

    def disk_is_full(*arguments: object) -> object:
        if next(refusals, None) is not None:
            raise SkyreelsError("disk-full", "the disk is full")
        return succeed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(leases, "succeed", disk_is_full)
    assert night.run().ended == {"succeeded": 1}
    assert night.names().count("store_trouble") == 1
    assert ledger().count(f"finish {Path(job.output).name}") == 1


def film_as_if_finished(job: Job, recipe: dict[str, object]) -> None:
    """What a renderer leaves whose worker dies before it could write down that the film is there."""
    output = Path(job.output)
    result = {"output": job.output, "frames": 97, "elapsed_s": 1.0, "peak_memory_bytes": 1}
    output.with_name(output.name + ".json").write_text(json.dumps({"recipe": recipe, "result": result}))
    output.write_text(film_of(job))
    (output.with_name(output.name + ".skyreels") / "pieces").mkdir(parents=True)


@pytest.fixture
def begun(store: Store, add: Callable[..., Job]) -> Job:
    """A job whose first attempt has ended with its worker."""
    job = add()
    owner = leases.register(store, "cpu")
    leases.claim(store, owner)
    leases.note_output(store, owner, job.id, "")
    leases.retire(store, owner)
    return job


def test_a_film_that_was_finished_as_the_worker_died_is_not_made_again(
    store: Store, begun: Job, night: Night, ledger: Ledger
) -> None:
    film_as_if_finished(begun, begun.recipe)
    assert night.run().ended == {"succeeded": 1}
    result = store.job(begun.id).result
    assert result is not None
    assert (result["frames"], result["recipe"]["seed"]) == (97, 7)
    assert ledger() == []
    assert not Path(begun.output + ".skyreels").exists()


def test_somebody_elses_film_is_left_alone(store: Store, begun: Job, night: Night, ledger: Ledger) -> None:
    film_as_if_finished(begun, {**begun.recipe, "seed": 8})
    assert night.run().ended == {"failed": 1}
    error = store.job(begun.id).error
    assert error is not None
    assert (error["code"], error["hint"]) == ("output-exists", f"skyreels queue edit {begun.id} --overwrite")
    assert ledger() == []


def test_a_file_that_was_there_before_is_overwritten_only_if_that_was_said(
    store: Store, films: Path, night: Night
) -> None:
    jobs = [store.add(new_job(films / f"{name}.mp4", overwrite=name == "b")) for name in "ab"]
    for job in jobs:
        film_as_if_finished(job, job.recipe)
        Path(job.output).write_text("old")
    assert night.run().ended == {"failed": 1, "succeeded": 1}
    assert Path(jobs[0].output).read_text() == "old"
    assert finished(jobs[1])


def test_a_job_that_was_reworded_may_throw_its_old_work_away(
    store: Store, films: Path, add: Callable[..., Job], night: Night
) -> None:
    job = add(wait_at=3)
    stop_at(night, "step_done", lambda: actions.pause(store, job.id))
    night.run()
    actions.edit(store, job.id, new_job(Path(job.output), "a cube"))
    actions.resume(store, job.id)
    assert Night(store).run().ended == {"succeeded": 1}
    assert Path(job.output).read_text() == film_of(store.job(job.id)) != film_of(job)


def test_a_device_on_which_everything_fails_burns_no_queue(
    store: Store, add: Callable[..., Job], night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two jobs it costs to be sure; the third goes back uncounted, and the other three are not touched."""
    real, seen = leases.heartbeat, list[Any]()

    def watched(store: Store, owner: Owner, sample: Mapping[str, Any], *more: Any) -> leases.HeartbeatReply:
        seen.append(sample["rest_reason"])
        return real(store, owner, sample, *more)

    monkeypatch.setattr(leases, "heartbeat", watched)
    for _ in range(6):
        add(die_at=0, times=99, max_attempts=2)
    supervisor = night.run()
    assert supervisor.ended == {"failed": 2, "queued": 3}
    assert [(job.state, job.attempts) for job in store.jobs(sort="id")] == [
        ("failed", 2), ("failed", 2), *[("queued", 0)] * 4,
    ]  # fmt: skip
    reason = "3 jobs in a row failed alike on auto: the renderer was killed by SIGSEGV"
    assert [event["message"] for event in night.events if event["event"] == "device_trouble"] == [reason]
    assert (supervisor.rest_reason, seen[0], seen[-1]) == (reason, None, reason)


def test_after_a_rest_another_job_is_tried_and_if_that_works_all_is_well(store: Store, add: Callable[..., Job]) -> None:
    bad = [add(fail_at=0, times=99, max_attempts=1, code="disk-full") for _ in range(3)]
    last = [add(), add()][-1]
    night = Night(store, replace(CONFIG, rest_seconds=0.1))

    def stop_after_the_last(told: dict[str, Any]) -> None:
        if told["event"] == "job_ended" and told["job"] == last.id:
            night.signals.take(signal.SIGTERM, None)

    night.hooks.append(stop_after_the_last)
    assert night.run(once=False).ended == {"failed": 2, "queued": 1, "succeeded": 2}
    assert store.job(bad[2].id).retry_at is not None


def test_jobs_that_are_wrong_themselves_are_no_sign_of_a_broken_device(
    store: Store, add: Callable[..., Job], night: Night
) -> None:
    for _ in range(5):
        add(fail_at=0, times=99, code="image-not-found", exit_code=2)
    for number in range(4):
        add(fail_at=0, times=99, code=f"odd-{number}", max_attempts=1)
    for _ in range(4):
        add(fail_at=1, times=99, code="odd", max_attempts=1)  # each after a step
    assert night.run().ended == {"failed": 13}


def test_two_workers_share_a_queue(store: Store, add: Callable[..., Job], ledger: Ledger) -> None:
    jobs = [add(seconds=0.02) for _ in range(6)]
    night = Night(store, CONFIG, replace(CONFIG, placement={**CONFIG.placement, "device": "cuda:1"}))
    assert night.run().ended == {"succeeded": 6}
    assert all(finished(job) for job in jobs)
    assert sorted(ledger()) == sorted(["load fake"] * 2 + [f"finish {Path(job.output).name}" for job in jobs])


def test_a_worker_that_is_asked_to_stop_saves_its_film_and_leaves(
    store: Store, add: Callable[..., Job], night: Night
) -> None:
    job = add(seconds=0.05, rows=1000)
    night.on("step_done", lambda _: actions.stop_workers(store))
    night.run(once=False)
    assert (store.job(job.id).state, store.job(job.id).attempts) == ("queued", 0)
    assert store.workers() == []


def test_an_idle_worker_that_is_asked_to_stop_leaves(store: Store) -> None:
    thread = threading.Thread(target=lambda: Night(Store(store.folder)).run(once=False))
    thread.start()
    wait_for(lambda: Store(store.folder).workers())
    actions.stop_workers(Store(store.folder))
    thread.join(60)
    assert not thread.is_alive()


def test_once_ends_though_a_job_waits_for_one_that_failed(store: Store, add: Callable[..., Job], night: Night) -> None:
    first = add(fail_at=1, exit_code=2)
    second = add(after=first.id)
    night.run()
    assert (store.job(first.id).state, store.job(second.id).state) == ("failed", "queued")
