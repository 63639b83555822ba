from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue import actions, database, leases, schema
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store

from .conftest import new_job

ROOT = Path(__file__).parents[2]
NOBODY = 65534


@contextmanager
def failure(code: str, exit_code: int = 1) -> Iterator[pytest.ExceptionInfo[SkyreelsError]]:
    with pytest.raises(SkyreelsError) as caught:
        yield caught
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)


def in_a_child(code: str, folder: Path) -> dict[str, str]:
    """Run code that may end in a SkyreelsError in a process of its own; returns the error."""
    script = f"""
import json, sys
from pathlib import Path
from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue import actions
from skyreels_cli.queue.store import Store
try:
{code}
except SkyreelsError as error:
    print(json.dumps({{"code": error.code, "message": error.message, "hint": error.hint}}))
"""
    command = [sys.executable, "-B", "-c", script, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_a_newer_database_is_left_alone(store: Store, films: Path) -> None:
    store.add(new_job(films / "a.mp4"))
    with sqlite3.connect(store.database.path) as connection:
        connection.execute("PRAGMA user_version=99")
    with failure("queue-newer", 2) as caught:
        Store(store.folder)
    assert "belongs to a newer skyreels (its version is 99" in str(caught.value)
    assert caught.value.hint == "pipx upgrade skyreels-cli"
    assert store.job(1).state == "queued"


def test_an_older_database_is_migrated_once(store: Store, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(new_job(films / "a.mp4"))
    next_version = (*schema.MIGRATIONS, ("ALTER TABLE films ADD COLUMN stars INTEGER", "UPDATE jobs SET priority = 4"))
    monkeypatch.setattr(database, "MIGRATIONS", next_version)
    threads = [threading.Thread(target=Store, args=(store.folder,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    migrated = Store(store.folder)
    assert migrated.database.rows("PRAGMA user_version")[0][0] == len(next_version)
    assert (migrated.job(1).priority, len(migrated.database.rows("SELECT stars FROM films"))) == (4, 0)


def test_a_queue_of_version_1_is_taken_over(tmp_path: Path) -> None:
    """Columns and the keys of `progress` have other names since; the rest stays, and the queue goes on."""
    with sqlite3.connect(tmp_path / "queue.db") as connection:
        connection.executescript(Path(__file__).with_name("version_1.sql").read_text(encoding="utf-8"))
        (before,) = connection.execute("SELECT progress FROM jobs WHERE id = 2").fetchone()
    connection.close()
    store = Store(tmp_path)
    done, running, queued = (store.job(number) for number in (1, 2, 3))
    assert [(job.state, job.steps_done, job.total_steps, job.best_steps) for job in (done, running, queued)] == [
        ("succeeded", 2, 6, 2),
        ("running", 2, 6, 2),
        ("queued", 0, 6, 0),
    ]
    new_names = {"row": "step", "rows": "steps", "rows_done": "steps_done", "total_rows": "total_steps"}
    assert running.progress == {new_names.get(name, name): value for name, value in json.loads(before).items()}
    assert (running.progress["step"], running.progress["steps"], queued.progress) == (2, 3, {})
    ((made, worker),) = zip(store.history(), store.workers(), strict=True)
    assert (made.job, made.steps, made.peak_memory_bytes) == (1, 30, 10**10)
    assert (worker.host, worker.alive, worker.job, worker.heartbeat_at) == ("old", False, 2, 1_795_302_840.0)
    leases.reap(store)
    claimed = leases.claim(store, leases.register(store, "cuda:0"))
    assert claimed is not None
    assert (claimed[0].id, claimed[0].steps_done) == (2, 2)
    columns = {row["name"] for row in store.database.rows("PRAGMA table_info(jobs)")}
    assert {field.name for field in fields(Job)} == columns - {"losses"}


def test_a_queue_of_version_4_learns_of_groups(tmp_path: Path, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs belong to none and go on; jobs that are added together from then on are one."""
    with monkeypatch.context() as older:
        older.setattr(database, "MIGRATIONS", schema.MIGRATIONS[:4])
        path = database.Database(tmp_path / "queue.db").path
    names = """state, position, prompt, model, resolution, num_frames, output, total_steps, max_attempts, created_at,
        uid, model_key, placement, draft, recipe, plan"""
    values = "'queued', 1, 'a swan', 'm', '540P', 9, '/a.mp4', 6, 3, 0, 'u', '[]', '{}', '{}', '{}', '{}'"
    with sqlite3.connect(path) as connection:
        connection.execute(f"INSERT INTO jobs ({names}) VALUES ({values})")
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
    connection.close()
    store = Store(tmp_path)
    assert (store.job(1).prompt, store.job(1).group_id) == ("a swan", None)
    added = store.add_together([new_job(films / f"{number}.mp4") for number in range(2)])
    assert [(job.id, job.group_id) for job in added] == [(2, 2), (3, 2)]
    claimed = leases.claim(store, leases.register(store, "cuda:0"))
    assert claimed is not None
    assert claimed[0].id == 1


def test_a_migration_that_fails_changes_nothing(store: Store, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(new_job(films / "a.mp4"))
    monkeypatch.setattr(database, "MIGRATIONS", (*schema.MIGRATIONS, ("UPDATE jobs SET priority = 4", "NO SQL")))
    with failure("queue-broken"):
        Store(store.folder)
    monkeypatch.undo()
    assert Store(store.folder).job(1).priority == 0


def test_a_locked_database_is_worth_another_try(store: Store, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    second = Store(store.folder)
    with store.database.write(), failure("queue-busy", 3):
        second.add(new_job(films / "a.mp4"))
    assert second.add(new_job(films / "a.mp4")).id == 1


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("something else " * 100)
    with failure("queue-damaged") as caught:
        Store(tmp_path)
    assert caught.value.hint == f"mv {tmp_path / 'queue.db'} {tmp_path / 'queue.db'}.damaged"
    assert (tmp_path / "queue.db").read_text().startswith("something else")


def test_a_folder_where_the_database_should_be(tmp_path: Path) -> None:
    (tmp_path / "queue.db").mkdir()
    with failure("queue-unavailable"):
        Store(tmp_path)
    (tmp_path / "file").touch()
    with failure("queue-unavailable") as caught:
        Store(tmp_path / "file" / "queue")
    assert caught.value.message.endswith("Not a directory")


def test_a_database_that_may_only_be_read(store: Store, films: Path, tmp_path: Path) -> None:
    """Root may write anything, so a process that has become nobody tries."""
    store.add(new_job(films / "a.mp4"))
    store.database.close()
    for folder in (tmp_path, *tmp_path.parents[:3]):  # pytest's own, which only their owner may enter
        if os.geteuid() == 0 and len(folder.parts) > 2:
            folder.chmod(0o755)
    store.folder.chmod(0o555)
    store.database.path.chmod(0o444)
    code = f"""
    import os
    if os.geteuid() == 0:
        os.setuid({NOBODY})
    actions.cancel(Store(Path(sys.argv[1])), 1)
"""
    try:
        said = in_a_child(code, store.folder)
    finally:
        store.folder.chmod(0o755)
        store.database.path.chmod(0o644)
    assert (said["code"], said["hint"]) == ("queue-read-only", f"chmod -R u+w {store.folder}")
    assert Store(store.folder).job(1).state == "queued"


def test_a_full_disk_loses_nothing(store: Store, films: Path) -> None:
    """The kernel refuses to let any file grow beyond the size that the queue has."""
    for number in range(5):
        store.add(new_job(films / f"{number}.mp4", "a long prompt " * 50))
    code = """
    import resource
    from tests.queue.conftest import new_job
    store = Store(Path(sys.argv[1]))
    size = max(file.stat().st_size for file in store.folder.glob("queue.db*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    for number in range(1000):
        store.add(new_job(Path(f"/films/{number}.mp4"), "another prompt " * 50))
        print(number, file=sys.stderr)
"""
    said = in_a_child(code, store.folder)
    assert said["code"] in ("queue-io", "disk-full")
    assert said["hint"] == f"df -h {store.folder}"
    again = Store(store.folder)
    assert [job.prompt.strip() for job in again.jobs(sort="id", limit=5)] == [("a long prompt " * 50).strip()] * 5
    assert again.database.rows("PRAGMA integrity_check")[0][0] == "ok"
    assert again.add(new_job(films / "more.mp4")).state == "queued"
    assert actions.cancel(again, 1).state == "cancelled"


def test_a_full_sqlite_says_so(store: Store, films: Path) -> None:
    store.database._connection.execute("PRAGMA max_page_count=1")
    with failure("disk-full") as caught:
        for number in range(100):
            store.add(new_job(films / f"{number}.mp4", "a long prompt " * 50))
    assert "the disk is full" in str(caught.value)


def test_a_database_that_was_exchanged_is_noticed(store: Store) -> None:
    assert not store.database.replaced()
    store.database.path.unlink()
    assert store.database.replaced()
    Store(store.folder)
    assert store.database.replaced()


def test_an_old_sqlite_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 26, 0))
    with failure("sqlite-too-old", 2):
        Store(tmp_path)


def test_what_was_acknowledged_survives_a_torn_write_ahead_log(store: Store, films: Path, tmp_path: Path) -> None:
    """The log is cut all three kilobytes: what opens is whole, and is the queue as it was at some moment."""
    store.database._connection.execute("PRAGMA wal_autocheckpoint=0")
    log = Path(f"{store.database.path}-wal")
    sizes = [log.stat().st_size]
    for number in range(8):
        store.add(new_job(films / f"{number}.mp4"))
        sizes.append(log.stat().st_size)
    whole = log.read_bytes()
    for cut in range(sizes[0], len(whole) + 1, 3001):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        shutil.copy(store.database.path, folder)
        (folder / "queue.db-wal").write_bytes(whole[:cut])
        found = Store(folder)
        assert found.database.rows("PRAGMA integrity_check")[0][0] == "ok"
        committed = sum(size <= cut for size in sizes[1:])
        assert [job.id for job in found.jobs(sort="id")] == list(range(1, committed + 1))
        found.database.close()
