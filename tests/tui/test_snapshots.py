"""Pictures of the screens; `pytest tests/tui/test_snapshots.py --snapshot-update` takes them anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from skyreels_cli.queue import actions
from skyreels_cli.queue.store import Store
from skyreels_cli.tui import watcher
from skyreels_cli.tui.app import Monitor
from skyreels_cli.tui.drawing import Frame
from skyreels_cli.tui.screens import dashboard

from .conftest import Stage
from .night import SAMPLE, FakeEngine

SIZES = ((80, 24), (160, 48))
SIZE_NAMES = ("80x24", "160x48")
LOOKS = ("dark", "light", "no-colour")
SnapCompare = Callable[..., bool]


def sunset(height: int = 54, width: int = 96) -> Frame:
    """A frame that needs no video: a sun over the sea."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    sky = np.stack([0.95 - 0.5 * y, 0.35 + 0.3 * y, 0.3 + 0.5 * (1 - y)], axis=-1)
    sea = np.stack([0.1 + 0.2 * x, 0.2 + 0.1 * y, 0.45 + 0.1 * np.sin(40 * y)], axis=-1)
    picture = np.where((y < 0.65)[..., None], sky, sea)
    picture[((x - 0.6) * 1.78) ** 2 + (y - 0.6) ** 2 < 0.03] = (1.0, 0.85, 0.4)
    frame: Frame = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return frame


@pytest.fixture
def busy(night: FakeEngine, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The middle of the night: an async film is in its fourth window, and everything has happened to the others."""
    actions.set_priority(store, 6, 5)
    night.take()
    night.play(170)
    actions.pause(store, 9)
    actions.cancel(store, 10)
    monkeypatch.setattr(watcher, "DEVICE_SECONDS", float("inf"))
    monkeypatch.setattr(dashboard, "preview_of", lambda _: (None, 0.0))
    monkeypatch.setattr(dashboard, "last_frame", lambda _: sunset())
    return store


def app_of(store: Store) -> Monitor:
    """A dashboard on whose screen nothing moves by itself: one look at the devices, taken for granted."""
    app = Monitor(store.folder, look_at_device=lambda: SAMPLE)
    app.animation_level = "none"
    return app


def after(store: Store, *keys: str, words: str, look: str = "dark") -> Callable[[Pilot[Any]], Any]:
    """Press keys once the night is on the screen, and wait for words."""

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Monitor)
        stage = Stage(app, pilot, store, [])
        if look == "light":
            app.theme = "textual-light"
        await stage.until_seen("▶ running", "host", "newest frame")
        await pilot.press(*keys)
        await stage.until_seen(*words.split("; "))
        app.watcher.stop()
        app.watcher.join()
        await pilot.pause()

    return run


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_dashboard(
    busy: Store, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], look: str
) -> None:
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    run = after(busy, words="30 of 45", look=look)
    assert snap_compare(app_of(busy), terminal_size=size, run_before=run)


SCREENS = {
    "help": (["question_mark"], "Pause the job"),
    "history": (["h"], "2 films, 2.4 s/step"),
    "job": (["end", "up", "enter"], "illegal memory access"),
    "form": (["down", "e"], "try: skyreels download"),
    "cancel": (["c"], "Cancel job 6?"),
}


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("name", SCREENS)
def test_screens(busy: Store, snap_compare: SnapCompare, size: tuple[int, int], name: str) -> None:
    keys, words = SCREENS[name]
    assert snap_compare(app_of(busy), terminal_size=size, run_before=after(busy, *keys, words=words))
