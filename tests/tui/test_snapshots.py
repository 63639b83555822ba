"""Pictures of the screens; `pytest tests/tui/test_snapshots.py --snapshot-update` takes them anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from skyreels_cli.queue.store import Store
from skyreels_cli.tui import watcher
from skyreels_cli.tui.app import Monitor
from skyreels_cli.tui.screens import dashboard
from skyreels_cli.tui.widgets import detail_pane
from skyreels_cli.tui.widgets.picture import Picture

from .conftest import Stage
from .night import SAMPLE, FakeEngine, go_on, sunset

SIZES = ((80, 24), (160, 48))
SIZE_NAMES = ("80x24", "160x48")
LOOKS = ("dark", "light", "no-colour")
SnapCompare = Callable[..., bool]


@pytest.fixture
def busy(night: FakeEngine, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The middle of the night, with a picture; nothing on the screen moves by itself."""
    go_on(night)
    monkeypatch.setattr(watcher, "DEVICE_SECONDS", float("inf"))
    for place in (dashboard, detail_pane):
        monkeypatch.setattr(place, "preview_of", lambda _: (None, 0.0))
        monkeypatch.setattr(place, "last_frame", lambda _: sunset())
    return store


def app_of(store: Store) -> Monitor:
    """A dashboard without animations."""
    app = Monitor(store.folder, look_at_device=lambda: SAMPLE)
    app.animation_level = "none"
    return app


def is_pictured(app: Monitor) -> bool:
    """Whether the frames that the dashboard shows have been read, which threads do."""
    pictures = [picture for screen in app.screen_stack for picture in screen.query(Picture)]
    return all(picture.has_class("-there") for picture in pictures if picture.parent and picture.parent.display)


def after(store: Store, *keys: str, words: tuple[str, ...], look: str = "dark") -> Callable[[Pilot[Any]], Any]:
    """Press keys once the night is on the screen, and wait until all the words are there at once."""

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Monitor)
        stage = Stage(app, pilot, store, [])
        if look == "light":
            app.theme = "textual-light"
        await stage.until_seen("▶ running", "host", "newest frame")
        await pilot.press(*keys)
        await stage.until(lambda: all(word in stage.text for word in words), repr(words))
        await stage.until(lambda: is_pictured(app), "pictures")
        for field in app.screen.query(Input):
            field.cursor_blink = False
        for text in app.screen.query(TextArea):
            text.cursor_blink = False
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
    run = after(busy, words=("30 of 45",), look=look)
    assert snap_compare(app_of(busy), terminal_size=size, run_before=run)


# What shows through behind a dialog.
BELOW = "1 running"
SCREENS = {
    "help": (["question_mark"], ("Pause the job", BELOW)),
    "history": (["h"], ("2 films, 2.4 s/step",)),
    "job": (["end", "up", "enter"], ("illegal memory access",)),
    "form": (["down", "e"], ("try: skyreels download",)),
    "cancel": (["c"], ("Cancel job 6?", BELOW)),
}


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("name", SCREENS)
def test_screens(busy: Store, snap_compare: SnapCompare, size: tuple[int, int], name: str) -> None:
    keys, words = SCREENS[name]
    assert snap_compare(app_of(busy), terminal_size=size, run_before=after(busy, *keys, words=words))
