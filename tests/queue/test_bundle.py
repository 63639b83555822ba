from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_an_export_that_cannot_be_written_leaves_nothing(store: Store, films: Path) -> None:
    with pytest.raises(SkyreelsError, match="cannot be written"):
        export_queue(store, films / "gone" / "queue.zip")
    assert list(films.iterdir()) == []
