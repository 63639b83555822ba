"""The form, the job's pages and the history."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key
from textual.widgets import Input, Select, Static

from skyreels_cli.queue.store import Store
from skyreels_cli.tui.proposal import choices
from skyreels_cli.tui.screens.form import JobForm
from skyreels_cli.tui.widgets.recipe_fields import TEXTS, TextField

from .conftest import Stage, on_stage
from .night import FakeEngine, new_job

MODEL = str(Path(__file__).parents[1] / "golden" / "model")


def type_in(stage: Stage, **values: str) -> None:
    """Fill fields of the form."""
    for name, value in values.items():
        stage.app.screen.query_one(f"#{name}", TextField if name in TEXTS else Input).value = value


async def open_form(stage: Stage, key: str) -> JobForm:
    """The form, filled with what it begins with."""
    await stage.press(key)
    await stage.until(lambda: isinstance(stage.app.screen, JobForm) and "plan" in stage.text)
    form = stage.app.screen
    assert isinstance(form, JobForm)
    await stage.until(lambda: form.query_one("#proposal-text", Static).content)
    return form


async def test_a_new_job_from_a_prompt(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_OUTDIR", str(tmp_path))
    async with on_stage(store, (120, 40)) as stage:
        await open_form(stage, "n")
        type_in(stage, model=MODEL, resolution="96x64", num_frames="33", base_num_frames="17", overlap_history="5")
        await stage.until_seen("there is no prompt")
        await stage.press(*"two cats")
        await stage.until_seen("33 frames, 1.4 s at 24 fps, 96×64", "windows")
        type_in(stage, priority="2", seed="5")
        await stage.press("ctrl+s")
        await stage.until_seen("1 queued")
    job = store.job(1)
    assert (job.prompt, job.num_frames, job.priority, job.recipe["seed"]) == ("two cats", 33, 2, 5)
    assert job.output.startswith(str(tmp_path))
    assert job.output.endswith("_two-cats_5.mp4")


async def test_keys_that_come_in_one_gulp_are_all_saved_once(store: Store, tmp_path: Path) -> None:
    async with on_stage(store, (120, 40)) as stage:
        await open_form(stage, "n")
        type_in(stage, model=MODEL, resolution="96x64", num_frames="17", output=str(tmp_path / "film.mkv"))
        await stage.until_seen("there is no prompt")
        for key in "twocats":
            stage.app.post_message(Key(key, key))
        for _ in range(2):
            stage.app.post_message(Key("ctrl+s", None))
        await stage.until_seen("1 queued")
    assert [job.prompt for job in store.jobs()] == ["twocats"]


async def test_the_prompt_is_completed_and_taken_back(store: Store, tmp_path: Path) -> None:
    async with on_stage(store, (120, 40)) as stage:
        form = await open_form(stage, "n")
        prompt = form.query_one("#prompt", TextField)
        output = str(tmp_path / "fox.mp4")
        type_in(stage, prompt="a fox", model=MODEL, resolution="96x64", num_frames="17", output=output)
        await stage.press("ctrl+g")
        await stage.until(lambda: "shot: a fox, its" in prompt.value)
        await stage.press("ctrl+z")
        await stage.until(lambda: prompt.value == "a fox")
        await stage.press("ctrl+g")
        await stage.until(lambda: "shot: a fox, its" in prompt.value)
        await stage.press("ctrl+s")
        await stage.until_seen("1 queued")
    recipe = store.job(1).recipe
    assert "shot: a fox, its" in recipe["prompt"]
    assert (recipe["enhanced"]["prompt"], recipe["enhanced"]["provider"]) == ("a fox", "rules")


async def test_a_new_job_from_a_preset(store: Store) -> None:
    async with on_stage(store, (120, 40)) as stage:
        form = await open_form(stage, "n")
        type_in(stage, prompt="two cats")
        form.query_one(Select).value = "30s-async"
        await stage.until(lambda: form.query_one("#ar_step", Input).value == "5")
        assert form.query_one("#num_frames", Input).value == "737"
        assert form.query_one("#prompt", TextField).value == "two cats"


WRONG = (
    ("num_frames", "many", "num_frames: 'many' should be a valid integer"),
    ("inference_steps", "0", "inference_steps: '0' should be greater than or equal to 1"),
    ("resolution", "99x64", "width 99 is not divisible by 16"),
    ("model", "nowhere", "there is no model nowhere"),
    ("model", "df-14b-540p", "is not on this machine"),
    ("priority", "high", "priority: 'high' should be a whole number"),
    ("output", "/films/film.xyz", "has no video's suffix"),
    ("cache", "tea", "there is no cache 'tea'"),
    ("num_frames", "inf", "num_frames: 'inf' should be a valid integer"),
)


async def test_what_is_wrong_is_said_while_one_types(store: Store) -> None:
    async with on_stage(store, (160, 40)) as stage:
        await open_form(stage, "n")
        right = {"prompt": "cats", "model": MODEL, "resolution": "96x64", "num_frames": "17"}
        type_in(stage, **right)
        for field, value, said in WRONG:
            type_in(stage, **{field: value})
            await stage.until_seen(said)
            await stage.press("ctrl+s")
            await stage.until_told(said)
            type_in(stage, **{field: "", **right})
            await stage.until_seen("17 frames")
        assert store.count() == 0


async def test_an_endless_film_is_no_job(store: Store) -> None:
    async with on_stage(store, (120, 40)) as stage:
        await open_form(stage, "n")
        type_in(stage, prompt="cats", model=MODEL, resolution="96x64", duration="inf")
        await stage.until_seen("an endless film would never let the next job begin")


async def test_edit_a_job(store: Store, tmp_path: Path) -> None:
    async with on_stage(store, (120, 40)) as stage:
        await open_form(stage, "n")
        output = str(tmp_path / "film.mkv")
        type_in(stage, prompt="cats", model=MODEL, resolution="96x64", num_frames="17", output=output, codec="ffv1")
        await stage.until_seen("17 frames")
        await stage.press("ctrl+s")
        await stage.until_seen("1 queued")
        form = await open_form(stage, "e")
        await stage.until(lambda: form.query_one("#prompt", TextField).value == "cats")
        type_in(stage, prompt="three dogs", num_frames="9")
        await stage.until_seen("9 frames, 0.4 s")
        await stage.press("ctrl+s")
        await stage.until(lambda: store.job(1).prompt == "three dogs")
    job = store.job(1)
    assert (job.num_frames, job.output, job.recipe["codec"]) == (9, output, "ffv1")
    assert job.recipe["seed"] == job.draft["seed"]


def option(stage: Stage, name: str) -> Input:
    """The field for an option of a plugin."""
    return next(field for field in stage.app.screen.query(Input) if field.name == name)


async def test_options_of_the_plugins_that_are_chosen_are_fields_too(store: Store, tmp_path: Path) -> None:
    async with on_stage(store, (160, 60)) as stage:
        await open_form(stage, "n")
        output = str(tmp_path / "film.mp4")
        type_in(
            stage, prompt="cats", model=MODEL, resolution="96x64", num_frames="17", output=output, scheduler="euler"
        )
        await stage.until_seen("17 frames")
        assert "threshold" not in stage.text
        type_in(stage, cache="teacache", join="latents", color_match="anchor")
        await stage.until_seen("teacache threshold    0.2", "teacache ret steps    false", "teacache fit          auto")
        option(stage, "teacache.threshold").value = "much"
        await stage.until_seen("options.teacache.threshold: 'much' should be a valid number")
        option(stage, "teacache.threshold").value = "0.7"
        await stage.until_seen("17 frames")
        type_in(stage, cache="")
        await stage.until(lambda: "teacache" not in stage.text)
        type_in(stage, cache="teacache")
        await stage.until_seen("teacache threshold    0.7")
        await stage.press("ctrl+s")
        await stage.until_seen("1 queued")
        job = store.job(1)
        assert job.draft["options"] == {"teacache": {"threshold": 0.7}}
        assert job.recipe["options"]["teacache"] == {"threshold": 0.7, "ret_steps": False, "fit": "auto"}
        assert (job.recipe["join"], job.recipe["color_match"], job.recipe["scheduler"]) == (
            "latents",
            "anchor",
            "euler",
        )
        await open_form(stage, "e")
        await stage.until_seen("teacache threshold    0.7")


def test_fields_with_few_words_offer_them() -> None:
    assert choices("join") == ["pixels", "latents", "rolling"]
    assert {"teacache", "blockcache"} <= set(choices("cache"))
    assert choices("prompt") == choices("num_frames") == []


async def test_leaving_the_form_changes_nothing(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(6)
        before = store.job(6)
        await open_form(stage, "e")
        type_in(stage, prompt="three dogs")
        await stage.press("escape", "y")
        await stage.until(lambda: len(stage.app.screen_stack) == 2)
        assert store.job(6) == before


async def test_a_finished_job_is_not_edited(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(1)
        await stage.press("e")
        await stage.until_told("job 1 is succeeded: pause or duplicate it")


async def test_the_pages_of_a_job(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(3)
        await stage.press("enter")
        await stage.until_seen("CUDA error: an illegal memory access (internal)", "skyreels queue logs 3")
        await stage.until_seen("31 of 90, 3 windows")
        await stage.press("2")
        await stage.until_seen("base_num_frames      97")
        await stage.press("3")
        await stage.until_seen("257 frames, 10.7 s at 24 fps", "2–3  frames 98–257 (80 each)", "blocks 5r 20×1")
        await stage.press("4")
        await stage.until_seen("attempt 3 of 3", "RuntimeError: CUDA error")
        store.log(3).write_text("a new line", encoding="utf-8")
        await stage.until_seen("a new line")
        await stage.press("escape")
        await stage.until_seen("all: 10")


async def test_a_job_of_a_group_says_so(night: FakeEngine, store: Store) -> None:
    takes = store.add_together([new_job(number, store.folder) for number in (20, 21)])
    async with on_stage(store) as stage:
        await stage.choose(takes[1].id)
        await stage.press("enter")
        await stage.until_seen(f"group                {takes[0].id}")


async def test_what_out_of_memory_has_changed_is_told(night: FakeEngine, store: Store) -> None:
    async with on_stage(store) as stage:
        await stage.choose(4)
        await stage.press("enter")
        await stage.until_seen("offload none → stream after: CUDA out of memory")


async def test_history(night: FakeEngine, store: Store) -> None:
    async with on_stage(store, (120, 24)) as stage:
        await stage.press("h")
        await stage.until_seen("DF-1.3B-540P bfloat16 960x544: 2 films, 2.4 s/step, 7:01 a film (median)")
        await stage.until_seen("Two cats play chess in a sunlit kitchen")
        await stage.press("escape")
        await stage.until_seen("all: 10")
