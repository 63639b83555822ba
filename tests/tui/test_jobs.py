"""Everything that one can do to a job, by its key."""

from __future__ import annotations

from pathlib import Path

from textual.events import Key

from skyreels_cli.queue.job import Job
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.sharing.code import from_code
from skyreels_cli.recipe.sharing.load import load_preset
from skyreels_cli.tui.job_actions import JOB_ACTIONS
from skyreels_cli.tui.screens.form import JobForm

from .conftest import on_stage
from .night import FakeEngine


def waiting(store: Store) -> list[int]:
    """Ids in the order in which they are rendered."""
    return [job.id for job in store.jobs(("queued", "paused"))]


async def test_pause_and_resume_a_waiting_job(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(6)
        await stage.press("p")
        await stage.until_seen("‖ paused")
        assert store.job(6).state == "paused"
        await stage.press("p")
        await stage.until(lambda: store.job(6).state == "queued")


async def test_pausing_a_running_job_asks_its_worker(night: FakeEngine, store: Store) -> None:
    night.take()
    async with on_stage(store) as stage:
        await stage.choose(4)
        await stage.press("p")
        await stage.until_seen("pause asked")
        assert store.job(4).request == "pause"
        night.stop()
        await stage.until_seen("‖ paused")


async def test_cancel_asks_first_and_a_stray_enter_does_no_harm(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(7)
        for answer in ("n", "escape", "enter"):
            await stage.press("c")
            await stage.until_seen("Cancel job 7?")
            await stage.press(answer)
            await stage.until(lambda: len(stage.app.screen_stack) == 2)
        await stage.press("p")  # whatever was decided is done before this is
        await stage.until(lambda: store.job(7).state == "paused")
        await stage.press("c")
        await stage.until_seen("Cancel job 7?")
        await stage.press("y")
        await stage.until(lambda: store.job(7).state == "cancelled")


async def test_cancelling_a_running_job_asks_its_worker(night: FakeEngine, store: Store) -> None:
    night.take()
    async with on_stage(store) as stage:
        await stage.press("c", "y")
        await stage.until_seen("cancel asked")
        assert night.heartbeat().request == "cancel"


async def test_retry_a_failed_job(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(3)
        await stage.press("r")
        await stage.until(lambda: store.job(3).state == "queued")
        await stage.until_told("job 3 is queued once more")


async def test_duplicate(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(2)
        await stage.press("d")
        await stage.until(lambda: store.count() == 11)
        copy, job = store.job(11), store.job(2)
        assert (copy.recipe, copy.output) == (job.recipe, "/films/film-1_2.mp4")


async def test_reorder_with_keys(night: FakeEngine, store: Store) -> None:
    """Each key goes on from the order that the one before has left, with the cursor on the job that was moved."""
    async with on_stage(store) as stage:
        await stage.choose(6)
        for key, order in (
            ("K", [4, 6, 5, 7, 8, 9, 10]),
            ("shift+up", [6, 4, 5, 7, 8, 9, 10]),
            ("J", [4, 6, 5, 7, 8, 9, 10]),
            ("shift+down", [4, 5, 6, 7, 8, 9, 10]),
            ("B", [4, 5, 7, 8, 9, 10, 6]),
            ("T", [6, 4, 5, 7, 8, 9, 10]),
        ):
            await stage.press(key)
            await stage.until(lambda order=order: [job.id for job in stage.app.view.jobs][:7] == order)
            assert waiting(store) == order
            assert stage.table.job, "the cursor is on a job"
            assert stage.table.job.id == 6


async def test_priority(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(8)
        await stage.press("plus")
        await stage.until(lambda: store.job(8).priority == 1)
        assert waiting(store)[0] == 8
        await stage.until(lambda: stage.table.job and stage.table.job.priority == 1)
        await stage.press("minus")
        await stage.until(lambda: store.job(8).priority == 0)


async def test_remove_asks_first(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(3)
        await stage.press("x")
        await stage.until_seen("Remove job 3")
        await stage.press("y")
        await stage.until(lambda: store.count() == 9)
        assert all(job.id != 3 for job in store.jobs())


async def test_what_a_state_does_not_allow_is_said_and_not_done(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(1)
        await stage.press("r")
        await stage.until_told("job 1 is succeeded: retry is for failed or cancelled")
        assert store.job(1).state == "succeeded"


async def test_a_job_that_changed_meanwhile_is_an_error_on_the_screen(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(3)
        stale: Job = store.job(3)
        store.database.rows("DELETE FROM jobs WHERE id = 3")
        stage.app.write(lambda other: JOB_ACTIONS["retry"].do(other, stale))
        await stage.until_told("there is no job 3")


async def test_keys_behind_the_one_that_opens_a_screen_are_not_meant_for_the_job(
    night: FakeEngine, store: Store
) -> None:
    async with on_stage(store) as stage:
        await stage.choose(6)
        for key in "np":  # in one gulp, as a slow line delivers them
            stage.app.post_message(Key(key, key))
        await stage.until(lambda: isinstance(stage.app.screen, JobForm))
        await stage.press("escape")
        await stage.until(lambda: len(stage.app.screen_stack) == 2)
        assert store.job(6).state == "queued"
        await stage.press("p")
        await stage.until(lambda: store.job(6).state == "paused")


async def test_a_job_becomes_a_preset_and_a_code(night: FakeEngine, store: Store, home: Path) -> None:
    async with on_stage(store) as stage:
        await stage.choose(6)
        await stage.press("m")
        await stage.until_told("job 6 is the preset")
        (saved,) = (home / "presets").iterdir()
        recipe = store.job(6).recipe
        values = load_preset(str(saved)).model_dump(mode="json", by_alias=True)
        assert {key: values[key] for key in ("prompt", "seed", "num_frames")} == {
            key: recipe[key] for key in ("prompt", "seed", "num_frames")
        }
        await stage.press("m")
        await stage.until_told(f"job 6 is the preset {saved.stem}-2")
        await stage.press("y")
        await stage.until_told("the code of job 6 is in the clipboard")
        assert from_code(stage.app.clipboard).preset.prompt == recipe["prompt"]
