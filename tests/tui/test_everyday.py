"""What one does all day: mark, sort, stop the worker, look at a film beside the list, come back to what was left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from skyreels_cli.errors import UsageError
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.queue import actions
from skyreels_cli.queue.store import Store
from skyreels_cli.tui.app import Monitor, check_keys
from skyreels_cli.tui.screens.form import JobForm
from skyreels_cli.tui.screens.history import HistoryScreen
from skyreels_cli.tui.screens.job import JobScreen
from skyreels_cli.tui.view import Wanted
from skyreels_cli.tui.widgets.recipe_fields import TextField

from .conftest import on_stage
from .night import SAMPLE, FakeEngine, new_job


async def test_what_is_marked_is_done_together(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(6)
        await stage.press("space", "space")
        await stage.until_seen("●    6", "●    7")
        await stage.press("c")
        await stage.until_seen("Cancel 2 jobs?")
        await stage.press("y")
        await stage.until(lambda: store.counts().get("cancelled") == 2)
        await stage.until_told("cancel: 2 jobs")
        await stage.press("escape")
        await stage.until(lambda: "●" not in stage.text)


async def test_a_click_on_a_title_sorts_and_a_second_one_turns_it_round(night: FakeEngine, store: Store) -> None:
    async with on_stage(store, (120, 40)) as stage:
        await stage.pilot.click(stage.table, offset=(40, 1))
        await stage.until(lambda: stage.app.view.wanted.sort == "frames")
        assert stage.app.view.wanted.descending is False
        await stage.pilot.click(stage.table, offset=(40, 1))
        await stage.until(lambda: stage.app.view.wanted.descending)
        await stage.pilot.click(stage.table, offset=(3, 1))
        await stage.until(lambda: stage.app.view.wanted.sort == "id")


async def test_w_stops_the_worker_that_runs(night: FakeEngine, store: Store) -> None:
    night.take()
    async with on_stage(store) as stage:
        await stage.until_seen("1 running")
        await stage.press("w")
        await stage.until_told("the worker saves its film and stops")
        await stage.until_seen("the worker is stopping")
        assert night.heartbeat().stop


async def test_failed_are_those_that_failed(night: FakeEngine, store: Store) -> None:
    actions.cancel(store, 7)
    async with on_stage(store) as stage:
        await stage.until_seen("1 failed · 1 cancelled")
        await stage.press("f", "f")
        await stage.until_seen("failed: 1")
        await stage.press("f")
        await stage.until_seen("cancelled: 1")


async def test_a_job_of_a_dead_worker_is_not_running(night: FakeEngine, store: Store) -> None:
    night.take()
    async with on_stage(store) as stage:
        await stage.until_seen("1 running")
        night.die()
        await stage.until_seen("1 lost")
        assert "1 running" not in stage.text


async def test_the_details_say_why_a_job_is_earlier(store: Store, tmp_path: Path) -> None:
    for number, model in enumerate("bab"):
        job = new_job(number, tmp_path)
        store.add(replace(job, recipe={**job.recipe, "model": model}))
    engine = FakeEngine.arrive(store)
    with store.database.write() as connection:
        sample = {"warm": store.job(2).model_key, "patience": 5, "most_patience": 5}
        connection.execute("UPDATE workers SET sample = ? WHERE id = ?", (json.dumps(sample), engine.owner.id))
    async with on_stage(store, (200, 50)) as stage:
        await stage.until(lambda: [job.id for job in stage.app.view.jobs] == [2, 1, 3])
        await stage.until_seen("its model is loaded")


async def test_on_a_wide_screen_the_job_is_shown_beside_the_list(night: FakeEngine, store: Store) -> None:
    log = store.log(5)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("attempt 1 of 3\n", encoding="utf-8")
    async with on_stage(store, (200, 60)) as stage:
        await stage.choose(5)
        await stage.until_seen(
            "job 5", "5, queued", "3 windows, 90 steps", "resolution           960x544", "attempt 1 of 3"
        )
        with log.open("a", encoding="utf-8") as stream:
            stream.write("loading weights\n")
        await stage.until_seen("loading weights")
        await stage.pilot.resize_terminal(80, 24)
        await stage.until(lambda: "resolution" not in stage.text)


async def test_frames_of_a_finished_film_go_by_with_keys(night: FakeEngine, store: Store, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    with VideoEncoder(film, width=64, height=32, fps=24, coding=film_coding("h264", 5)) as encoder:  # type: ignore[arg-type]
        encoder.write(np.zeros((24, 32, 64, 3), np.uint8))
    with store.database.write() as connection:
        connection.execute("UPDATE jobs SET output = ? WHERE id = 1", (str(film),))
    async with on_stage(store, (200, 60)) as stage:
        await stage.choose(1)
        await stage.until_seen("frame 1 of 24")
        await stage.press("full_stop")
        await stage.until_seen("frame 3 of 24")
        await stage.press("comma", "comma")
        await stage.until_seen("frame 24 of 24")


async def test_the_list_is_as_it_was_left(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.press("f", "s", "S")
        await stage.until(lambda: stage.app.view.wanted.descending)
        stage.app.theme = "nord"
    async with on_stage(store) as stage:
        wanted = stage.app.view.wanted
        assert (wanted.states, wanted.sort, wanted.descending) == ("to do", "id", True)
        assert stage.app.theme == "nord"
    (store.folder / "dashboard.json").write_text('{"theme": 7, "states": "none"}', encoding="utf-8")
    async with on_stage(store) as stage:
        assert (stage.app.view.wanted.states, stage.app.theme) == (Wanted().states, "textual-dark")


async def test_keys_are_what_the_settings_say(night: FakeEngine, store: Store) -> None:
    app = Monitor(store.folder, look_at_device=lambda: SAMPLE, keys={"pause": "z"})
    async with app.run_test(size=(80, 24)) as pilot:
        while app.view.total == 0 or app.dashboard.selected is None:
            await pilot.pause(0.01)
        chosen = app.dashboard.selected.id
        await pilot.press("p", "z")
        while store.job(chosen).state != "paused":
            await pilot.pause(0.01)


def test_keys_of_what_is_no_action_are_an_error() -> None:
    check_keys({"pause": "z", "save": "ctrl+w", "mark": "m"})
    with pytest.raises(UsageError, match=r"there is no action 'pauze'; did you mean .pause."):
        check_keys({"pauze": "z"})


@pytest.mark.parametrize("size", [(80, 24), (80, 19)])
async def test_what_is_said_covers_no_job(night: FakeEngine, store: Store, size: tuple[int, int]) -> None:
    async with on_stage(store, size) as stage:
        await stage.press("p", "p", "p")
        await stage.until_told("is paused")
        stage.app.notify("an error\ntry: something long " * 4, severity="error")
        await stage.pilot.pause(0.1)
        toasts = list(stage.app.screen.query("Toast"))
        assert len(toasts) == 1
        assert not toasts[0].region.intersection(stage.table.region).area
        assert "job state" in stage.text


async def test_history_opens_details_and_plays(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.press("h")
        await stage.until(lambda: isinstance(stage.app.screen, HistoryScreen) and "7:01" in stage.text)
        await stage.press("o")
        await stage.until_told("there is nothing to see of this job yet")
        await stage.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, JobScreen))
        await stage.until_seen("succeeded")
        await stage.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, HistoryScreen))
        actions.remove(store, [1, 2])
        await stage.press("enter")
        await stage.until_seen("has been removed from the queue", "/films/film-")


async def test_a_prompt_has_several_lines_and_escape_asks_before_it_is_lost(store: Store) -> None:
    async with on_stage(store, (120, 40)) as stage:
        await stage.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, JobForm))
        form = stage.app.screen
        await stage.press(*"two", "enter", *"cats")
        assert form.query_one("#prompt", TextField).value == "two\ncats"
        await stage.press("tab", "tab")
        assert stage.app.focused is form.query_one("#model", Input)
        await stage.press("escape")
        await stage.until_seen("What you have typed is lost.")
        await stage.press("n")
        await stage.until(lambda: stage.app.screen is form)
        await stage.press("escape", "y")
        await stage.until(lambda: len(stage.app.screen_stack) == 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [("num_frames", "many"), ("resolution", "99x64"), ("model", "nowhere"), ("priority", "high"), ("cache", "tea")],
)
async def test_an_error_points_at_its_field(store: Store, field: str, value: str) -> None:
    model = str(Path(__file__).parents[1] / "golden" / "model")
    async with on_stage(store, (120, 60)) as stage:
        await stage.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, JobForm))
        form = stage.app.screen
        form.query_one("#prompt", TextField).value = "cats"
        for name, text in {"model": model, "resolution": "96x64", "num_frames": "17", field: value}.items():
            form.query_one(f"#{name}", Input).value = text
        await stage.until(lambda: [str(each.input.name) for each in form.query("Field.-wrong")] == [field])  # type: ignore[attr-defined]
        await stage.press("ctrl+s")
        await stage.until(lambda: stage.app.focused is form.query_one(f"#{field}", Input))
