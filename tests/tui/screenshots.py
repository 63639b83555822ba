"""Takes the README's pictures of the dashboard from the dashboard itself, in the middle of the scripted night.

python -m tests.tui.screenshots [FOLDER]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from skyreels_cli.queue.store import Store
from skyreels_cli.tui.app import Monitor
from skyreels_cli.tui.screens import dashboard
from skyreels_cli.tui.widgets import detail_pane

from .night import SAMPLE, go_on, sunset, whole_night

FOLDER = Path(__file__).with_name("screenshots")
PROMPT = (*"A paper boat drifts down a gutter", "enter", *"after the storm")
PICTURES: dict[str, tuple[tuple[int, int], list[str]]] = {
    "dashboard": ((200, 60), []),
    "dashboard-80x24": ((80, 24), ["down", "space", "space"]),
    "job": ((100, 24), ["end", "up", "enter"]),
    "form-80x24": ((80, 24), ["n", *PROMPT]),
    "form": ((200, 60), ["n", *PROMPT]),
    "history-80x24": ((80, 24), ["h"]),
}
# A form plans when the keys rest.
PLANNED_SECONDS = 6.0
# Nine in the evening; every look at the clock is three minutes later.
BEGIN = datetime(2026, 11, 21, 21, 0, tzinfo=UTC).timestamp()


async def take(store: Store, size: tuple[int, int], keys: list[str]) -> str:
    """An SVG of the screen after some keys."""
    app = Monitor(store.folder, look_at_device=lambda: SAMPLE)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await pilot.pause(2.0)
        for key in keys:
            await pilot.press("space" if key == " " else key)
            await pilot.pause(0.05 if len(key) == 1 else 2.0)
        await pilot.pause(PLANNED_SECONDS)
        return app.export_screenshot(title="skyreels queue monitor")


def main() -> None:
    """Write every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for place in (dashboard, detail_pane):
        setattr(place, "preview_of", lambda _: (None, 0.0))  # noqa: B010 - the night renders nothing
        setattr(place, "last_frame", lambda _: sunset(540, 960))  # noqa: B010
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(SKYREELS_HOME=home, SKYREELS_OUTDIR="/films")
        store = Store(Path(home) / "queue", now=count(BEGIN, 180.0).__next__)
        go_on(whole_night(store, Path("/films")))
        for name, (size, keys) in PICTURES.items():
            svg = asyncio.run(take(store, size, keys))
            (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
            print(folder / f"{name}.svg")
        store.database.close()


if __name__ == "__main__":
    main()
