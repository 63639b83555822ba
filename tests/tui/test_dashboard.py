"""The first screen: what it shows of a night, its filters, and the actions that concern no single job."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.store import Store
from skyreels_cli.tui import player
from skyreels_cli.tui.graphics import find_graphics
from skyreels_cli.tui.job_actions import JOB_ACTIONS
from skyreels_cli.tui.widgets.picture import Picture

from .conftest import STARTED, on_stage
from .night import SAMPLE, FakeEngine, fill, new_job, plan_of, sunset


async def test_a_whole_night(night: FakeEngine, store: Store) -> None:
    """Out of memory, failure, pause, a worker's death: all are on the screen without a key pressed."""
    async with on_stage(store, (100, 30)) as stage:
        await stage.until_seen("7 queued · 1 failed · 2 done", "✗ failed", "internal", "nothing is being rendered")
        assert night.take().id == 4
        await stage.until_seen("1 running · 6 queued", "film 4", "starting")
        night.play(40)
        await stage.until_seen("less memory: offload none → stream", "2 of 3", "10 of 30, 2.4 s/step")
        await stage.until_seen("window 0:56, film 2:16")
        actions.pause(store, 4)
        await stage.until_seen("pause asked: it stops after this step")
        night.stop()
        await stage.until_seen("‖ paused", "nothing is being rendered")
        assert night.take().id == 5
        night.play(3)
        await stage.until_seen("film 5", "planned 46.8 GB, peak 45.1 GB")
        night.die()
        await stage.until_seen("the worker has died", "its worker has died", "▶ lost")
        second = FakeEngine.arrive(store)
        actions.cancel(store, 10)  # any change of a job puts back what dead workers held
        await stage.until_seen("nothing is being rendered", "– cancelled")
        assert second.take().id == 5
        second.play(40)
        await stage.until_seen("film 5", "10 of 30")
        second.finish()
        await stage.until_seen("3 done")


async def test_the_denoising_wave_is_seen_moving(store: Store) -> None:
    """With blocks of 5 latent frames, 5 steps apart, the first block is always further than the last."""
    store.add(new_job(0, Path("/films"), plan_of(97, 30, ar_step=5, block=5)))
    engine = FakeEngine.arrive(store)
    engine.take()
    async with on_stage(store) as stage:
        for steps, wave in ((5, "▇████"), (20, "▁▃▄▅▇"), (25, "▁▁▁▁▁")):
            engine.play(steps)
            await stage.until_seen("".join(10 * block for block in wave) + " 25 latent frames")


async def test_jobs_elsewhere_say_where_and_their_machines_are_devices(store: Store) -> None:
    gpu = {
        "name": "H100", "used_bytes": 51e9, "total_bytes": 80e9, "load_percent": 97, "celsius": None, "watts": None,
    }  # fmt: skip
    for number in range(2):
        store.add(new_job(number, Path("/films")))
    places = (("waiting", "slurm 4711, 3rd", {}), ("running", "slurm 4712 on n2", {"host": "n2", "gpus": [gpu]}))
    for state, text, more in places:
        owner = leases.register(store, "auto", "slurm", 3600)
        claimed = leases.claim(store, owner)
        assert claimed
        leases.heartbeat(store, owner, {"place": {"state": state, "text": text}, **more}, claimed[0].id)
    async with on_stage(store, (130, 30)) as stage:
        await stage.until_seen("· queued", "slurm 4711, 3rd · ", "▶ running", "slurm 4712 on n2 · ")
        await stage.until_seen("n2 ", "51.0 of 80.0 GB", "97 %")


async def test_the_look_drifts_in_curves_one_per_quality(store: Store) -> None:
    """Against the first window: luma rises evenly, contrast falls by less than fills the curve."""
    store.add(new_job(0, Path("/films"), plan_of(737)))
    engine = FakeEngine.arrive(store)
    engine.take()
    engine.play(4 * 30 + 1)
    async with on_stage(store, (120, 50)) as stage:
        await stage.until_seen("differ from the first one, in %", "▁▃▆█ luma +1.2", "▁▃▆█ saturation +3.3")
        await stage.until_seen("▇▅▄▂ contrast -0.6", "█▆▃▁ sharpness -1.8")
        await stage.pilot.resize_terminal(80, 24)
        await stage.until_seen("drift % ▁▃▆█ lum+1 ▁▃▆█ sat+3 ▇▅▄▂ con-1 █▆▃▁ sha-2")


async def test_a_device_on_which_everything_fails_is_said(night: FakeEngine, store: Store) -> None:
    night.take()
    async with on_stage(store) as stage:
        reason = "3 jobs in a row failed alike on cuda:0: CUDA error"
        leases.heartbeat(store, night.owner, {**SAMPLE, "rest_reason": reason})
        await stage.until_seen(f"! {reason}")
        leases.heartbeat(store, night.owner, SAMPLE)
        await stage.until(lambda: reason not in stage.text)


async def test_no_worker_is_said_and_one_can_be_started(night: FakeEngine, store: Store) -> None:
    night.die()
    store.database.rows("DELETE FROM workers")
    async with on_stage(store) as stage:
        await stage.until_seen("no worker is running: nothing is rendered (w starts one)")
        await stage.press("w")
        log = store.folder / "logs" / "worker.log"
        await stage.until(lambda: log.is_file() and log.read_text(encoding="utf-8").strip() == STARTED)


async def test_pause_the_queue(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.press("P")
        await stage.until_seen("the queue is paused: nothing starts")
        assert store.paused
        await stage.press("P")
        await stage.until(lambda: not store.paused)


async def test_filter_by_words(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.press("slash", *"chess", "enter")
        await stage.until_seen('all with "chess": 2')
        assert [job.id for job in stage.app.view.jobs] == [8, 2]
        await stage.press("escape")
        await stage.until_seen("all: 10")


async def test_filter_by_state(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        for words in ("to do: 7", "failed: 1", "cancelled: 0", "done: 2", "all: 10"):
            await stage.press("f")
            await stage.until_seen(words)


async def test_sort(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.press("s")
        await stage.until(lambda: [job.id for job in stage.app.view.jobs] == list(range(1, 11)))
        await stage.press("S")
        await stage.until(lambda: [job.id for job in stage.app.view.jobs] == list(range(10, 0, -1)))
        await stage.until_seen("by id ↓")


async def test_thousands_of_jobs_scroll_page_by_page(store: Store) -> None:
    fill(store, 2000, Path("/films"))
    expected = [job.id for job in store.jobs()]
    async with on_stage(store) as stage:
        await stage.press("end")
        await stage.until(lambda: stage.table.job and stage.table.job.id == expected[-1])
        await stage.press("pageup")
        above = expected[-1 - (stage.table.size.height - 2)]
        await stage.until(lambda: stage.table.job and stage.table.job.id == above)
        await stage.press("home")
        await stage.until(lambda: stage.table.job and stage.table.job.id == expected[0])
        assert len(stage.app.view.jobs) < 100
        assert stage.app.view.total == 2000


async def test_every_action_is_in_the_palette_and_in_the_help(night: FakeEngine, store: Store) -> None:
    async with on_stage(store, (100, 60)) as stage:
        screen = stage.app.screen
        commands = {command.title for command in stage.app.get_system_commands(screen)}
        others = {"Details", "New", "Edit", "Open", "Filter", "Which states", "Sort", "Reverse", "Show all again"}
        everywhere = {"History", "Start or stop the worker", "Pause the queue", "Theme"}
        assert {action.label for action in JOB_ACTIONS.values()} | others | everywhere <= commands
        await stage.press("question_mark")
        await stage.until_seen("Pause the job, or let it go on", "Render on this machine, or save", "K shift+↑")
        await stage.press("question_mark")
        await stage.until(lambda: stage.app.screen is screen)


async def test_an_action_from_the_palette(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(9)
        await stage.press("ctrl+p")
        await stage.press(*"To the top")
        await stage.until_seen("Render the job next")
        await stage.press("enter")
        await stage.until(lambda: store.jobs(("queued",))[0].id == 9)


async def test_resizing_keeps_the_cursor_in_sight(store: Store) -> None:
    fill(store, 200, Path("/films"))
    async with on_stage(store, (160, 48)) as stage:
        await stage.press("end")
        await stage.until(lambda: stage.table.job)
        last = stage.table.job
        await stage.pilot.resize_terminal(80, 24)
        await stage.until(lambda: last and f"{last.id:>6} " in stage.text)
        await stage.pilot.resize_terminal(40, 10)
        await stage.until(lambda: last and f"{last.id:>6} " in stage.text)


async def test_open_says_where_the_film_is_if_there_is_no_desktop(
    night: FakeEngine, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"")
    monkeypatch.setattr(player, "preview_of", lambda _: (film, 0.0))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with on_stage(store) as stage:
        await stage.press("o")
        await stage.until_told("no desktop here")
        assert stage.app.clipboard == str(film)


async def test_a_terminal_with_graphics_gets_the_frame_in_pixels(night: FakeEngine, store: Store) -> None:
    pixels = Static()
    picture = Picture(lambda: pixels)
    picture.show(sunset(54, 96))
    assert pixels.image.size == (96, 54)  # type: ignore[attr-defined]


def test_without_a_terminal_there_are_no_graphics() -> None:
    assert find_graphics() is None
