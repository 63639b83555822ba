"""A store that is locked, replaced, missing or damaged, and a look at what the dashboard must never do."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from skyreels_cli.queue import database
from skyreels_cli.queue.store import Store
from skyreels_cli.tui.messages import Seen
from skyreels_cli.tui.widgets.device_panel import DevicePanel

from .conftest import on_stage
from .night import FakeEngine, fill


async def test_a_locked_store_is_said_and_the_action_can_be_repeated(
    night: FakeEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    async with on_stage(store) as stage:
        await stage.choose(6)
        other = sqlite3.connect(store.database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await stage.press("p")
        await stage.until_told("is locked by another process")
        await stage.until_seen("7 queued · 1 failed · 2 done")
        other.execute("ROLLBACK")
        other.close()
        await stage.press("p")
        await stage.until(lambda: store.job(6).state == "paused")


async def test_a_replaced_store_is_opened_anew(night: FakeEngine, store: Store, tmp_path: Path) -> None:
    async with on_stage(store) as stage:
        other = Store(tmp_path / "other")
        fill(other, 3, Path("/films"))
        other.database.close()
        store.database.close()
        for file in store.folder.glob("queue.db*"):
            file.unlink()
        shutil.copy(tmp_path / "other" / "queue.db", store.database.path)
        await stage.until_seen("3 queued", "all: 3")


async def test_a_store_that_is_deleted_leaves_an_empty_queue(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        store.database.close()
        shutil.rmtree(store.folder)
        await stage.until_seen("the queue is empty: n adds a film")


async def test_a_damaged_store_is_said_with_a_way_out_and_taken_up_when_it_is_mended(
    night: FakeEngine, store: Store
) -> None:
    async with on_stage(store, (200, 30)) as stage:
        path = store.database.path
        store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        store.database.close()
        for file in store.folder.glob("queue.db-*"):
            file.unlink()
        path.rename(path.with_suffix(".aside"))
        path.write_bytes(b"this is no database" * 100)
        await stage.until_seen("is no database", "what you see is from before", "try: mv ")
        await stage.until_seen("4 · queued")
        path.with_suffix(".aside").replace(path)
        await stage.until_seen("7 queued · 1 failed · 2 done")


def test_the_dashboard_imports_neither_torch_nor_the_models() -> None:
    heavy = "('torch', 'diffusers', 'transformers')"
    script = f"import sys, skyreels_cli.tui.app; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.strip() == "[]"


async def test_what_is_read_while_the_dashboard_closes_harms_nothing(
    night: FakeEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[list[str]] = []

    async def linger(panel: DevicePanel) -> None:
        await asyncio.sleep(0.1)
        left.append([type(widget).__name__ for widget in panel.screen.query_one("#queue").children])
        stage.app.show(Seen(stage.app.view))  # as the app does when it gets to it in between two widgets

    monkeypatch.setattr(DevicePanel, "on_unmount", linger, raising=False)
    async with on_stage(store) as stage:
        pass
    assert left == [["DevicePanel"]]
