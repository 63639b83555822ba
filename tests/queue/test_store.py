from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.job import Job, JobSummary
from skyreels_cli.queue.store import ORDER_BY, Store

from .conftest import film, new_job


def ids(jobs: list[JobSummary]) -> list[int]:
    return [job.id for job in jobs]


def test_a_job_comes_back_as_it_was_added(store: Store, films: Path) -> None:
    added = new_job(
        films / "a.mp4", "a red ball", seed=3, priority=2, max_attempts=5, degrade=False, placement={"device": "cpu"}
    )
    job = store.add(added)
    assert (job.id, job.state, job.priority, job.max_attempts, job.attempts) == (1, "queued", 2, 5, 0)
    assert (job.prompt, job.model, job.resolution, job.num_frames) == ("a red ball", "fake", "80x48", 97)
    assert (job.draft, job.recipe, job.plan, job.placement) == (
        added.draft,
        added.recipe,
        added.plan,
        {"device": "cpu"},
    )
    assert (job.output, job.degrade, job.overwrite, job.total_steps) == (str(films / "a.mp4"), False, False, 6)
    assert Store(store.folder).job(1) == job


def test_ids_are_never_used_again(store: Store, films: Path) -> None:
    assert [store.add(new_job(films / f"{n}.mp4")).id for n in range(3)] == [1, 2, 3]
    actions.remove(store, [3])
    assert store.add(new_job(films / "x.mp4")).id == 4


def test_no_two_unfinished_jobs_write_one_film(store: Store, films: Path) -> None:
    store.add(new_job(films / "a.mp4"))
    with pytest.raises(UsageError) as caught:
        store.add(new_job(films / "a.mp4"))
    assert (caught.value.code, caught.value.exit_code) == ("output-queued", 2)
    actions.cancel(store, 1)
    store.add(new_job(films / "a.mp4"))
    with pytest.raises(UsageError, match=r"another job that is not finished writes .*a\.mp4"):
        actions.retry(store, 1)


def test_a_name_that_nobody_chose_gets_a_number(store: Store, films: Path) -> None:
    named = [store.add(new_job(films / "a.mp4", output_is_default=True)).output for _ in range(3)]
    assert [Path(name).name for name in named] == ["a.mp4", "a_2.mp4", "a_3.mp4"]


def test_the_list_shows_what_runs_then_what_waits_then_what_ended_last(store: Store, films: Path) -> None:
    for number in range(6):
        store.add(new_job(films / f"{number}.mp4", priority=1 if number == 4 else 0))
    for number in (1, 2):
        actions.cancel(store, number)
    owner = leases.register(store, "cpu")
    assert leases.claim(store, owner)
    assert [(job.id, job.state) for job in store.jobs()] == [
        (5, "running"),
        (3, "queued"),
        (4, "queued"),
        (6, "queued"),
        (2, "cancelled"),
        (1, "cancelled"),
    ]
    assert ids(store.jobs(limit=2, offset=1)) == [3, 4]
    assert store.counts() == {"running": 1, "queued": 3, "cancelled": 2}
    assert ids(store.jobs(descending=True)) == [1, 2, 6, 4, 3, 5]


def test_lists_are_filtered_and_sorted(store: Store) -> None:
    for name, prompt, frames in (("swan", "A swan", 257), ("boat", "the Boat", 97), ("swan2", "a boat, no swan", 97)):
        job = new_job(Path(f"/films/{name}.mp4"), prompt)
        store.add(replace(job, recipe={**job.recipe, "num_frames": frames}))
    actions.pause(store, 2)
    assert ids(store.jobs(["paused"])) == [2]
    assert ids(store.jobs(text="SWAN")) == [1, 3]
    assert ids(store.jobs(text="boat swan2")) == [3]
    assert ids(store.jobs(["queued"], text="3")) == [3]
    assert (store.count(), store.count(["queued"]), store.count(text="boat")) == (3, 2, 2)
    assert ids(store.jobs(sort="frames", descending=True)) == [1, 3, 2]
    assert ids(store.jobs(sort="prompt")) == [3, 1, 2]
    for sort in ORDER_BY:
        assert sorted(ids(store.jobs(sort=sort, descending=True))) == [1, 2, 3]
    assert store.jobs(["failed"]) == []


def test_changes_since_a_revision(store: Store, films: Path) -> None:
    for number in range(3):
        store.add(new_job(films / f"{number}.mp4"))
    first = store.changes(0)
    assert ids(first.jobs) == [1, 2, 3]
    assert store.changes(first.revision).jobs == []
    actions.set_priority(store, 2, 5)
    second = store.changes(first.revision)
    assert (ids(second.jobs), second.jobs[0].priority, second.removals) == ([2], 5, first.removals)
    actions.remove(store, [2, 3])
    third = store.changes(second.revision)
    assert (third.jobs, third.removals) == ([], second.removals + 2)
    assert third.revision > second.revision


def test_a_change_by_another_connection_is_noticed(store: Store, films: Path) -> None:
    other, before = Store(store.folder), store.database.data_version()
    assert store.database.data_version() == before
    other.add(new_job(films / "a.mp4"))
    assert store.database.data_version() != before


def test_a_missing_job_is_named(store: Store) -> None:
    with pytest.raises(UsageError, match="there is no job 4"):
        store.job(4)


def test_history_outlives_jobs(store: Store, films: Path) -> None:
    owner = leases.register(store, "cuda:0")
    for number, rate in enumerate((1e14, 5e14, 3e14)):
        job = store.add(new_job(films / f"{number}.mp4"))
        leases.claim(store, owner)
        made = film(job.id, finished_at=float(number), flops_per_second=rate, model=f"m{number % 2}")
        assert leases.succeed(store, owner, job.id, None, {"output": job.output}, made)
    assert actions.clear(store, ["succeeded"]) == 3
    assert [made.job for made in store.history()] == [3, 2, 1]
    assert [made.job for made in store.history(model="m0")] == [3, 1]
    assert store.history(1) == [film(3, finished_at=2.0, flops_per_second=3e14, model="m0")]


def test_every_field_of_a_job_is_a_column(store: Store, films: Path) -> None:
    store.add(new_job(films / "a.mp4"))
    columns = set(store.database.rows("SELECT * FROM jobs")[0].keys())
    assert {field.name for field in fields(Job)} == columns - {"losses"}  # the leases' own
    assert json.dumps(store.job(1).to_dict())


def test_the_rank_of_a_job_among_those_that_wait(store: Store, films: Path) -> None:
    jobs = [store.add(new_job(films / f"{number}.mp4", priority=number % 3)) for number in range(7)]
    actions.pause(store, jobs[3].id)
    actions.cancel(store, jobs[4].id)
    waiting = [job.id for job in store.jobs(("queued", "paused"))]
    assert [store.rank(number) for number in waiting] == [1, 2, 3, 4, 5, 6]


def test_the_seconds_that_plans_add_up_to(store: Store, films: Path) -> None:
    assert store.planned_seconds() == 0.0
    for number, seconds in enumerate((1.5, 2.0, 40.0)):
        new = new_job(films / f"{number}.mp4")
        store.add(replace(new, plan={**new.plan, "estimates": {"time": {"value": seconds}}}))
    store.add(new_job(films / "unknown.mp4"))
    actions.pause(store, 3)
    assert store.planned_seconds() == 3.5


def test_jobs_are_added_together_or_not_at_all(store: Store, films: Path) -> None:
    assert store.add(new_job(films / "alone.mp4")).group_id is None
    with pytest.raises(UsageError, match="another job"):
        store.add_together([new_job(films / "a.mp4"), new_job(films / "alone.mp4")])
    assert [job.id for job in store.jobs()] == [1]
    together = store.add_together([new_job(films / name) for name in ("a.mp4", "b.mp4", "c.mp4")])
    first = together[0].id
    assert [job.group_id for job in together] == [first] * 3
    assert store.job(1).group_id is None
    assert store.add(new_job(films / "d.mp4")).group_id is None
    actions.remove(store, [first])
    assert store.group(first, ["queued"]) == [first + 1, first + 2]
