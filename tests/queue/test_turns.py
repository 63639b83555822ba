"""The order that is foretold is the order in which workers claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.job import model_key
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.turns import next_turns

from .conftest import new_job

PATIENCE = 2


def add(store: Store, films: Path, *models: str, **said: Any) -> None:
    for model in models:
        store.add(new_job(films / f"{store.count()}.mp4", model=model, **said))


def claimed(store: Store, warm: str | None) -> list[int]:
    """Take every job as a worker does, with its patience."""
    owner, passed_by, taken = leases.register(store, "cuda:0"), 0, []
    while found := leases.claim(store, owner, warm if passed_by < PATIENCE else None):
        job, passed = found
        passed_by = passed_by + 1 if passed else 0
        warm = job.model_key
        taken.append(job.id)
    return taken


@pytest.mark.parametrize("models", ["abab", "abbbaaa", "aaaa", "babababa", "ccab", "bbbbba"])
def test_the_turns_are_those_of_the_claims(store: Store, films: Path, models: str) -> None:
    add(store, films, *models)
    add(store, films, "a", "b", priority=1)
    warm = store.job(1).model_key
    owner = leases.register(store, "cuda:0")
    leases.heartbeat(store, owner, {"warm": warm, "patience": PATIENCE, "most_patience": PATIENCE})
    turns = next_turns(store, [worker for worker in store.workers() if worker.alive])
    listed = [job.id for job in store.jobs(("queued",), first=turns.order)]
    assert list(turns.order) == listed == claimed(store, warm)


def test_it_is_said_why_a_job_is_earlier_or_later(store: Store, films: Path) -> None:
    add(store, films, "b", "a", "b")
    add(store, films, "a", after=1)
    add(store, films, "a", not_before=store.now() + 3600)
    owner = leases.register(store, "cuda:0")
    warm = model_key(store.job(2).recipe, {})
    leases.heartbeat(store, owner, {"warm": warm, "patience": 5, "most_patience": 5})
    turns = next_turns(store, store.workers())
    assert turns.order == (2, 1, 3, 4, 5)
    assert dict(turns.why) == {
        2: "its model is loaded: before 1 other",
        4: "after job 1, which is queued",
        5: "not yet due",
    }


def test_a_job_starts_once_the_one_before_it_has_succeeded(store: Store, films: Path) -> None:
    add(store, films, "a")
    add(store, films, "a", after=1, priority=9)
    owner = leases.register(store, "cuda:0")
    first = leases.claim(store, owner)
    assert first is not None
    assert first[0].id == 1
    assert leases.claim(store, owner) is None
    leases.fail(store, owner, 1, None, {"code": "x", "message": "x", "hint": None, "exit_code": 1})
    assert leases.claim(store, owner) is None
    assert store.startable() == 0
    actions.retry(store, 1)
    assert store.startable() == 2
    store.database.rows("UPDATE jobs SET state = 'succeeded' WHERE id = 1")
    second = leases.claim(store, owner)
    assert second is not None
    assert second[0].id == 2


def test_what_waits_for_a_job_that_is_removed_goes_on(store: Store, films: Path) -> None:
    add(store, films, "a")
    add(store, films, "a", after=1)
    add(store, films, "a", after=2)
    actions.cancel(store, 1)
    assert store.startable() == 0
    actions.remove(store, [1])
    assert (store.job(2).after, store.startable()) == (None, 2)


def test_a_job_for_later_waits_for_its_time(store: Store, films: Path) -> None:
    add(store, films, "a", not_before=store.now() + 3600)
    owner = leases.register(store, "cuda:0")
    assert leases.claim(store, owner) is None
    assert store.startable() == 1
    now = store.now
    store.now = lambda: now() + 3601
    assert leases.claim(store, owner) is not None


def test_a_job_cannot_wait_for_one_that_is_not_there(store: Store, films: Path) -> None:
    with pytest.raises(UsageError, match="there is no job 7"):
        add(store, films, "a", after=7)
