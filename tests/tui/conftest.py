"""The dashboard on a stage: a real store, a scripted engine, a pilot in the place of a user."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual._context import visible_screen_stack
from textual.pilot import Pilot

from skyreels_cli.queue.store import Store
from skyreels_cli.tui.app import Monitor
from skyreels_cli.tui.widgets.job_table import JobTable

from .night import SAMPLE, FakeEngine, whole_night

# Far above what anything here takes; a busy machine must not fail a test.
PATIENCE = 120.0
# Saturday 21 November 2026, 23:14 UTC: so that pictures of the screen stay the same.
MIDNIGHT = 1_795_302_840.0
STARTED = "a worker was started"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@dataclass
class Stage:
    """A running dashboard and its user."""

    app: Monitor
    pilot: Pilot[None]
    store: Store
    told: list[str]

    async def press(self, *keys: str) -> None:
        """Type keys."""
        await self.pilot.press(*keys)

    async def until(self, is_so: Callable[[], Any], what: str = "") -> None:
        """Let the dashboard work until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, f"{what or 'it'} has not come about; the screen:\n{self.text}"
            await self.pilot.pause(0.01)

    async def until_seen(self, *words: str) -> None:
        """Wait until words are on the screen."""
        for word in words:
            await self.until(lambda word=word: word in self.text, repr(word))

    async def until_told(self, words: str) -> None:
        """Wait until a notification says something."""
        await self.until(lambda: any(words in message for message in self.told), repr(words))

    async def choose(self, number: int) -> None:
        """Put the cursor on a job."""
        for _ in range(200):
            job = self.table.job
            if job and job.id == number:
                return
            await self.press("down")
        raise AssertionError(f"job {number} is not in the list")

    @property
    def table(self) -> JobTable:
        """The list of jobs."""
        return self.app.screen_stack[1].query_one(JobTable)

    @property
    def text(self) -> str:
        """What is on the screen, without colours."""
        # As the app does before it paints: a dialog that is painted without is kept with nothing behind it.
        visible_screen_stack.set(self.app._background_screens)
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)


@asynccontextmanager
async def on_stage(store: Store, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Stage]:
    """Run the dashboard until the block is left; it shows the queue already."""
    command = (sys.executable, "-c", f"print({STARTED!r})")
    app = Monitor(store.folder, look_at_device=lambda: SAMPLE, start_worker=command)
    told: list[str] = []
    notify = app.notify
    app.notify = lambda message, **options: (told.append(message), notify(message, **options))  # type: ignore[assignment]
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot, store, told)
        await stage.until(lambda: len(app.screen_stack) > 1 and "host" in stage.text)
        await stage.until(lambda: app.view.wanted.limit != 80 or app.view.total == 0)
        yield stage


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty queue, at midnight."""
    store = Store(tmp_path / "queue", now=lambda: MIDNIGHT)
    yield store
    store.database.close()


@pytest.fixture
def night(store: Store) -> FakeEngine:
    """Ten jobs: two films are there, one job failed, one ran out of memory and waits, six are queued."""
    return whole_night(store, Path("/films"))
