from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.bundle import Imported, export_queue, import_queue
from skyreels_cli.queue.store import Store

from .conftest import new_job


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """The queue of another machine."""
    return Store(tmp_path / "elsewhere")


@pytest.fixture
def exported(store: Store, films: Path, tmp_path: Path) -> Path:
    """A queue of four jobs with one picture, as a file."""
    (tmp_path / "first.png").write_bytes(b"pixels")
    for number, priority in enumerate((0, 3, 0, 0)):
        job = new_job(films / f"{number}.mp4", f"prompt {number}", priority=priority, overwrite=True)
        store.add(job)
    actions.edit(store, 3, new_job(films / "2.mp4", "prompt 2", image=str(tmp_path / "first.png")))
    actions.pause(store, 3)
    actions.cancel(store, 4)
    leases.claim(store, leases.register(store, "cpu"))
    assert export_queue(store, tmp_path / "queue.zip") == 4
    return tmp_path / "queue.zip"


def test_nothing_in_it_says_where_it_comes_from(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as bundle:
        queue = bundle.read("queue.json").decode()
    assert str(tmp_path) not in queue
    assert [job["output"] for job in json.loads(queue)["jobs"]] == ["1.mp4", "0.mp4", "2.mp4", "3.mp4"]


def test_a_queue_moves_to_another_machine(store: Store, other: Store, exported: Path, films: Path) -> None:
    (films.parent / "first.png").unlink()
    assert import_queue(other, exported, films) == Imported([1, 2, 3, 4], 0)
    moved = [(job.prompt, job.state, job.priority) for job in other.jobs()]
    assert moved == [
        ("prompt 1", "queued", 3),
        ("prompt 0", "queued", 0),
        ("prompt 2", "paused", 0),
        ("prompt 3", "cancelled", 0),
    ]
    assert not any(other.job(number).overwrite for number in range(1, 5))
    paused = next(job for job in other.jobs(["paused"]))
    picture = Path(other.assets.resolve(other.job(paused.id).draft)["image"])
    assert (picture.read_bytes(), picture.is_relative_to(other.folder)) == (b"pixels", True)
    assert {other.job(n).uid for n in range(1, 5)} == {store.job(n).uid for n in range(1, 5)}


def test_what_is_here_already_is_left_out(store: Store, other: Store, exported: Path, films: Path) -> None:
    assert import_queue(store, exported, films) == Imported([], 4)
    import_queue(other, exported, films)
    actions.remove(other, [2])
    assert import_queue(other, exported, films) == Imported([5], 3)


def test_films_go_where_there_is_a_folder_and_get_a_free_name(
    other: Store, exported: Path, films: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    other.add(new_job(tmp_path / "out" / "1.mp4"))
    films.rmdir()
    import_queue(other, exported, tmp_path / "out")
    names = {job.prompt: job.output for job in other.jobs()}
    assert names["prompt 0"] == str(tmp_path / "out" / "0.mp4")
    assert names["prompt 1"] == str(tmp_path / "out" / "1_2.mp4")


def rewritten(exported: Path, **change: object) -> Path:
    """The file with its description changed."""
    with zipfile.ZipFile(exported) as old:
        content = {name: old.read(name) for name in old.namelist()}
    content["queue.json"] = json.dumps({**json.loads(content["queue.json"]), **change}).encode()
    return zipped(exported.with_name("changed.zip"), content)


def zipped(file: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as new:
        for name, data in content.items():
            new.writestr(name, data)
    return file


def test_what_is_no_queue_is_refused_and_nothing_comes_in(other: Store, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(exported) as old:
        queue = old.read("queue.json")
    job = json.loads(queue)["jobs"][0]
    image = {"image": "asset:0000/../../../evil"}
    refused: list[Callable[[], Path]] = [
        lambda: tmp_path / "gone.zip",
        lambda: tmp_path / "text.zip",
        lambda: zipped(tmp_path / "changed.zip", {"queue.json": queue}),  # the picture is missing
        lambda: rewritten(exported, jobs=[{**job, "draft": {**job["draft"], **image}}]),
        lambda: rewritten(exported, jobs=[{"uid": "1"}]),
        lambda: rewritten(exported, jobs=4),
    ]
    for file in refused:
        with pytest.raises(UsageError, match=r"is no file of `skyreels queue export`") as caught:
            import_queue(other, file(), tmp_path)
        assert (caught.value.code, caught.value.exit_code) == ("not-a-queue", 2)
    with pytest.raises(UsageError, match="job 1: seed: -1 should be greater than or equal to 0"):
        import_queue(other, rewritten(exported, jobs=[{**job, "draft": {**job["draft"], "seed": -1}}]), tmp_path)
    with pytest.raises(UsageError, match="'done' is no state of a job"):
        import_queue(other, rewritten(exported, jobs=[{**job, "state": "done"}]), tmp_path)
    with pytest.raises(UsageError) as newer:
        import_queue(other, rewritten(exported, skyreels_queue=2), tmp_path)
    assert newer.value.code == "queue-newer"
    assert other.jobs() == []


@dataclass(frozen=True)
class Waiting:
    """A job: its priority, the one (by place) that it follows, the moment it waits for, and whether it has a group."""

    priority: int
    after: int | None
    moment: float | None
    together: bool


waiting_jobs = st.lists(
    st.builds(
        Waiting,
        priority=st.integers(0, 1),
        after=st.none() | st.integers(0, 5),
        moment=st.none() | st.sampled_from([1.5e9, 4.1e9]),
        together=st.booleans(),
    ),
    max_size=6,
)


def told(store: Store) -> list[tuple[Any, ...]]:
    """What a queue is, in its order, without the numbers that its jobs happen to have."""
    jobs = store.jobs()
    prompts = {job.id: job.prompt for job in jobs}
    groups = {job.group_id: frozenset(each.prompt for each in jobs if each.group_id == job.group_id) for job in jobs}
    return [
        (
            *(job.prompt, job.priority, job.state, prompts[job.after] if job.after else None, job.not_before),
            groups[job.group_id] if job.group_id else None,
        )
        for job in jobs
    ]


def fill(store: Store, films: Path, jobs: list[Waiting]) -> None:
    """Put the jobs into a queue; neighbours that belong together are a group."""
    numbers: list[int] = []
    for together, run in groupby(enumerate(jobs), key=lambda each: each[1].together):
        new = [new_job(films / f"{place}.mp4", f"prompt {place}", priority=job.priority) for place, job in run]
        for each in [new] if together else [[one] for one in new]:
            numbers += [job.id for job in store.add_together(each)]
    for number, job in zip(numbers, jobs, strict=True):
        after = numbers[job.after] if job.after is not None and job.after < len(numbers) else None
        with suppress(UsageError):  # one that would wait for itself
            actions.set_start(store, number, {"after": after, "not_before": job.moment})


@settings(max_examples=25, deadline=None)
@given(jobs=waiting_jobs)
def test_an_imported_queue_is_the_one_that_was_exported(jobs: list[Waiting]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        films = Path(folder)
        here, there = Store(films / "here"), Store(films / "there")
        fill(here, films, jobs)
        there.add(new_job(films / "other.mp4"))  # so that the numbers differ
        actions.remove(there, [1])
        export_queue(here, films / "queue.zip")
        assert import_queue(there, films / "queue.zip", films).freed == []
        assert told(there) == told(here)
        for store in (here, there):
            store.database.close()


def test_who_waited_for_a_job_that_is_nowhere_waits_for_none(store: Store, other: Store, films: Path) -> None:
    store.add(new_job(films / "0.mp4"))
    store.add(new_job(films / "1.mp4", after=1))
    export_queue(store, file := films / "queue.zip")
    with zipfile.ZipFile(file) as bundle:
        jobs = json.loads(bundle.read("queue.json"))["jobs"]
    assert import_queue(other, rewritten(file, jobs=jobs[1:]), films) == Imported([1], 0, [1])
    assert other.job(1).after is None
    actions.remove(other, [1])
    with pytest.raises(UsageError, match="jobs in it wait for each other"):
        import_queue(other, rewritten(file, jobs=[{**jobs[0], "after": jobs[1]["uid"]}, jobs[1]]), films)
    for wrong in ({"after": 1}, {"group_id": "x"}, {"not_before": 1e300}, {"not_before": "now"}):
        with pytest.raises(UsageError, match="is no file of"):
            import_queue(other, rewritten(file, jobs=[{**jobs[0], **wrong}]), films)
    assert other.jobs() == []


def test_what_comes_back_follows_and_joins_what_is_here(store: Store, films: Path) -> None:
    store.add_together([new_job(films / f"{number}.mp4") for number in range(3)])
    actions.set_start(store, 3, {"after": 1})
    export_queue(store, films / "queue.zip")
    actions.remove(store, [3])
    assert import_queue(store, films / "queue.zip", films) == Imported([4], 2)
    assert (store.job(4).after, store.job(4).group_id) == (1, 1)


def test_an_export_that_cannot_be_written_leaves_nothing(store: Store, films: Path) -> None:
    with pytest.raises(SkyreelsError, match="cannot be written"):
        export_queue(store, films / "gone" / "queue.zip")
    assert list(films.iterdir()) == []
