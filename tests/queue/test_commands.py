"""`skyreels queue …`, in this process; only the renderer is a fake."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.cli import queue_look
from skyreels_cli.cli.main import main
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.logs import JobLog
from skyreels_cli.queue.store import Store

from .conftest import FAKE, new_job, wait_for

GOLDEN = Path(__file__).parents[1] / "golden"
MODEL = ("--model", str(GOLDEN / "model"), "--resolution", "80x48", "--num-frames", "17")


@dataclass(frozen=True)
class Ran:
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The envelope's data."""
        envelope = json.loads(self.out.splitlines()[-1])
        assert envelope["ok"] is True
        return envelope["data"]

    @property
    def error(self) -> tuple[int, str]:
        """Exit code and the error's code."""
        return self.status, json.loads(self.out.splitlines()[-1])["error"]["code"]


Queue = Callable[..., Ran]


@pytest.fixture
def queue(films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Queue:
    """Run `skyreels queue …` in the folder of the films."""
    monkeypatch.chdir(films)

    def run(*args: str) -> Ran:
        status = main(["queue", *args])
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run


@pytest.fixture
def store(home: Path) -> Store:
    """The queue that the commands use."""
    return Store(home / "queue")


@pytest.fixture
def filled(store: Store, films: Path) -> Store:
    """Three jobs for the fake renderer."""
    for number, prompt in enumerate(("a red ball", "a blue cube", "a swan")):
        store.add(new_job(films / f"{number}.mp4", prompt))
    return store


def states(store: Store) -> dict[int, str]:
    return {job.id: job.state for job in store.jobs(sort="id")}


class TestAdd:
    def test_the_id_comes_on_stdout_and_the_rest_on_stderr(self, queue: Queue, films: Path) -> None:
        ran = queue("add", "a red ball", *MODEL, "--seed", "5", "-o", "ball.mp4")
        assert (ran.status, ran.out) == (0, "1\n")
        assert ran.err.splitlines() == [
            f"job 1: 17 frames, 0.7 s, seed 5 → {films / 'ball.mp4'}",
            "nobody is rendering: skyreels queue run",
        ]
        assert queue("add", "another", *MODEL, "-q").out == "2\n"

    def test_what_was_said_is_kept_and_what_must_not_change_is_settled(
        self, queue: Queue, store: Store, films: Path
    ) -> None:
        data = queue(
            "add", "a ball", *MODEL, "--shift", "5", "--priority", "3", "--no-degrade", "--max-attempts", "9",
            "--offload", "stream", "--image", str(GOLDEN / "first.png"), "--paused", "--json",
        ).data  # fmt: skip
        job = store.job(data["id"])
        assert (job.state, job.priority, job.degrade, job.max_attempts) == ("paused", 3, False, 9)
        assert (job.placement, data["seed"]) == ({"offload": "stream"}, job.recipe["seed"])
        said = {**job.draft}
        assert said.pop("image").endswith("/first.png")
        assert said == {
            "schema": 1, "prompt": "a ball", "model": str(GOLDEN / "model"), "resolution": "80x48",
            "num_frames": 17, "shift": 5.0, "seed": job.recipe["seed"],
        }  # fmt: skip
        assert (job.recipe["inference_steps"], job.plan["total_rows"], job.plan["family"]) == (30, 30, "df")
        assert Path(job.output).parent == films

    def test_mistakes_are_found_at_once(self, queue: Queue, store: Store) -> None:
        assert queue("add", "a ball", "--model", "gone", "--json").error == (2, "model-not-found")
        assert queue("add", *MODEL, "--json").error == (2, "no-prompt")
        assert queue("add", "a", *MODEL, "--resolution", "81x48", "--json").status == 2
        queue("add", "a", *MODEL, "-o", "a.mp4")
        assert queue("add", "b", *MODEL, "-o", "a.mp4", "--json").error == (2, "output-queued")
        assert [job.prompt for job in store.jobs()] == ["a"]

    def test_presets_and_stdin(self, queue: Queue, store: Store, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (films / "mine.yaml").write_text("schema: 1\nshift: 4.0\nguidance_scale: 2.0\n")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a prompt from a file\n")))
        queue("add", "-", *MODEL, "--preset", "mine.yaml", "--shift", "3")
        job = store.job(1)
        said = {name: job.draft[name] for name in ("prompt", "shift", "guidance_scale")}
        assert said == {"prompt": "a prompt from a file", "shift": 3.0, "guidance_scale": 2.0}

    def test_the_same_command_twice_in_a_second_makes_two_films(self, queue: Queue, store: Store) -> None:
        for _ in range(2):
            queue("add", "a ball", *MODEL, "--seed", "5")
        assert len({job.output for job in store.jobs()}) == 2


class TestEdit:
    def test_options_lay_over_what_was_said(self, queue: Queue, store: Store, films: Path) -> None:
        queue("add", "a ball", *MODEL, "--seed", "5", "--offload", "model", "--image", str(GOLDEN / "first.png"))
        before = store.job(1)
        assert queue("edit", "1", "a cube", "--shift", "4", "--num-frames", "21", "-o", "b.mp4").status == 0
        job = store.job(1)
        assert (job.prompt, job.num_frames, job.draft["shift"], job.draft["seed"]) == ("a cube", 21, 4.0, 5)
        assert (job.draft["image"], job.placement) == (before.draft["image"], {"offload": "model"})
        assert (job.output, job.reworded, job.state) == (str(films / "b.mp4"), True, "queued")
        assert queue("edit", "1", "--no-degrade").status == 0
        assert (store.job(1).degrade, store.job(1).prompt, store.job(1).output) == (False, "a cube", job.output)

    def test_an_editor_gets_the_words_in_yaml(
        self, queue: Queue, store: Store, films: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue("add", "a ball", *MODEL, "--seed", "5")
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setenv("VISUAL", "sed -i s/ball/cube/")
        assert queue("edit", "1").status == 0
        assert (store.job(1).prompt, store.job(1).draft["seed"]) == ("a cube", 5)
        monkeypatch.setenv("VISUAL", "true")
        assert queue("edit", "1").status == 2
        monkeypatch.setenv("VISUAL", "sed -i s/seed/sed/")
        wrong = queue("edit", "1")
        assert wrong.status == 2
        assert 'unknown key; did you mean "seed"?' in wrong.err

    def test_what_the_shots_say_themselves_is_not_changed_for_the_film(
        self, queue: Queue, store: Store, films: Path
    ) -> None:
        (films / "story.yaml").write_text("shots:\n- {prompt: a, num_frames: 17}\n- {prompt: b, num_frames: 17}\n")
        model = (*MODEL[:4], "--shots", "story.yaml")
        assert queue("add", *model, "--json").status == 0
        ran = queue("edit", "1", "a cube")
        said = "the film's shots say their prompt themselves: another prompt for the film would change nothing"
        assert (ran.status, ran.err.splitlines()) == (2, [f"error: {said}", "hint: --shots story.yaml"])
        assert queue("edit", "1", "--guidance-scale", "2").status == 0
        assert [shot["guidance_scale"] for shot in store.job(1).recipe["shots"]] == [2.0, 2.0]
        assert queue("add", "a cube", *model, "--json").error == (2, "shots-say")
        (films / "mine.yaml").write_text("schema: 1\n" + (films / "story.yaml").read_text())
        assert queue("add", "a cube", *MODEL[:4], "--preset", "mine.yaml", "--json").error == (2, "shots-say")
        assert len(store.jobs()) == 1

    def test_when_it_starts(self, queue: Queue, filled: Store) -> None:
        before = filled.job(3)
        assert queue("edit", "3", "--after", "1", "--at", "2030-01-01T08:00").status == 0
        job = filled.job(3)
        assert job.not_before is not None
        moment = datetime.fromtimestamp(job.not_before).astimezone()
        assert (job.after, f"{moment:%Y-%m-%dT%H:%M}") == (1, "2030-01-01T08:00")
        assert (job.draft, job.recipe, job.reworded) == (before.draft, before.recipe, False)
        assert queue("edit", "3", "--no-after", "--json").data["after"] is None
        assert filled.job(3).not_before == job.not_before
        assert queue("edit", "3", "--no-at", "--json").data["not_before"] is None

    def test_when_it_starts_and_what_it_shows_at_once(self, queue: Queue, store: Store) -> None:
        queue("add", "a ball", *MODEL)
        queue("add", "a cube", *MODEL)
        assert queue("edit", "2", "--after", "1", "--shift", "4").status == 0
        assert (store.job(2).after, store.job(2).draft["shift"]) == (1, 4.0)
        assert queue("edit", "2", "--shift", "5").status == 0
        assert (store.job(2).after, store.job(2).draft["shift"]) == (1, 5.0)

    def test_no_job_waits_for_itself(self, queue: Queue, filled: Store) -> None:
        queue("edit", "2", "--after", "1")
        queue("edit", "3", "--after", "2")
        ran = queue("edit", "1", "--after", "3")
        said = "error: job 1 would wait for itself: 1 after 3 after 2 after 1"
        assert (ran.status, ran.err.splitlines()) == (2, [said, "hint: skyreels queue edit 2 --no-after"])
        assert queue("edit", "1", "--after", "1", "--json").error == (2, "after-cycle")
        assert queue("edit", "1", "--after", "9", "--json").error == (2, "job-not-found")
        assert queue("edit", "1", "--after", "2", "--no-after", "--json").error == (2, "usage")
        assert queue("edit", "1", "--at", "soon", "--json").error == (2, "bad-time")
        assert [filled.job(number).after for number in (1, 2, 3)] == [None, 1, 2]

    def test_another_folder_takes_the_film(self, queue: Queue, store: Store, films: Path) -> None:
        queue("add", "a ball", *MODEL, "-o", "ball.mp4")
        (films / "there").mkdir()
        assert queue("edit", "1", "--outdir", "there").status == 0
        assert store.job(1).output == str(films / "there" / "ball.mp4")

    def test_what_cannot_be_edited(self, queue: Queue, filled: Store) -> None:
        assert queue("edit", "1", "--json").error == (2, "nothing-to-change")
        assert queue("edit", "9", "--seed", "1", "--json").error == (2, "job-not-found")


class TestLooking:
    def test_a_bare_queue_is_the_list(self, queue: Queue, filled: Store) -> None:
        lines = queue().out.splitlines()
        assert lines[0].split() == ["job", "state", "prio", "frames", "film"]
        assert [line.split()[:2] for line in lines[1:4]] == [["1", "queued"], ["2", "queued"], ["3", "queued"]]
        assert lines[4] == "nobody is rendering: skyreels queue run"
        assert queue("list").out == queue().out
        assert queue("--json").data == queue("list", "--json").data

    def test_the_list_as_data(self, queue: Queue, filled: Store) -> None:
        leases.claim(filled, leases.register(filled, "cuda:0"))
        actions.cancel(filled, 3)
        data = queue("list", "--json").data
        assert (data["paused"], data["counts"]) == (False, {"running": 1, "queued": 1, "cancelled": 1})
        assert [(job["id"], job["state"]) for job in data["jobs"]] == [
            (1, "running"),
            (2, "queued"),
            (3, "cancelled"),
        ]
        assert (data["workers"][0]["device"], data["workers"][0]["job"]) == ("cuda:0", 1)
        assert [job["id"] for job in queue("list", "--state", "queued", "--json").data["jobs"]] == [2]
        assert [job["id"] for job in queue("list", "--text", "swan", "--json").data["jobs"]] == [3]
        assert queue("list", "-q").out == "1\n2\n3\n"
        assert queue("list", "--limit", "1", "-q").out == "1\n"
        assert queue("list", "--state", "queud", "--json").error == (2, "bad-state")

    def test_what_stands_in_the_way_is_said(self, queue: Queue, filled: Store) -> None:
        assert queue("pause").out == "the queue is paused; it goes on with: skyreels queue resume\n"
        assert "the queue is paused: skyreels queue resume" in queue("list").out
        assert queue("list", "--limit", "1").out.splitlines()[-1] == "… and 2 more (--limit N shows them)"
        actions.clear(filled, ["queued"])
        assert "the queue is empty: skyreels queue add" in queue("list").out

    def test_show_and_logs(self, queue: Queue, filled: Store) -> None:
        owner = leases.register(filled, "cpu")
        leases.claim(filled, owner)
        JobLog(filled.log(1)).write("out of luck\n")
        error = {"code": "internal", "message": "it broke", "hint": "mend it", "exit_code": 1}
        leases.fail(filled, owner, 1, None, error)
        data = queue("show", "1", "--json").data
        assert (data["state"], data["error"], data["draft"]["seed"]) == ("failed", error, 7)
        text = queue("show", "1").out
        for words in ("1, failed", "it broke", "mend it", "out of luck", "said.prompt"):
            assert words in text
        assert queue("logs", "1").out == "out of luck\n"
        assert queue("logs", "1", "--json").data["log"] == "out of luck\n"
        assert queue("logs", "9", "--json").error == (2, "job-not-found")
        assert queue("show", "1", "-q").out == "failed\n"

    def test_watch_tells_what_is_and_what_becomes(
        self, queue: Queue, filled: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = iter(
            [
                lambda: actions.cancel(filled, 2),
                lambda: leases.claim(filled, owner),
                lambda: leases.heartbeat(filled, owner, {}, 1, {"steps_done": 2}),
                lambda: actions.remove(filled, [2, 3]),
                lambda: leases.fail(filled, owner, 1, None, {"code": "internal"}),
            ]
        )
        owner = leases.register(filled, "cpu")
        monkeypatch.setattr(queue_look.time, "sleep", lambda _: next(steps)())
        lines = [json.loads(line) for line in queue("watch", "--until-done").out.splitlines()]
        told = [(line["event"], line["id"], line.get("state"), line.get("progress")) for line in lines[:-1]]
        assert told == [
            *(("job", number, "queued", None) for number in (1, 2, 3)),
            ("job", 2, "cancelled", None),
            ("job", 1, "running", {}),
            ("job", 1, "running", {"steps_done": 2}),
            ("job_removed", 2, None, None),
            ("job_removed", 3, None, None),
            ("job", 1, "failed", None),
        ]
        assert lines[-1]["data"] == {"counts": {"failed": 1}}

    def test_the_list_says_how_far_a_running_job_is(self, queue: Queue, filled: Store) -> None:
        owner = leases.register(filled, "cpu")
        leases.claim(filled, owner)
        leases.heartbeat(filled, owner, {}, 1, {"steps_done": 3, "seconds_left": 4210.0})
        assert "running  50 %, 1:10:10 left" in queue("list").out

    def test_the_list_says_where_a_job_is(self, queue: Queue, filled: Store) -> None:
        owners = [leases.register(filled, "auto", "slurm") for _ in range(2)]
        places = ({"state": "waiting", "text": "slurm 4711, 3rd"}, {"state": "running", "text": "slurm 4712 on n2"})
        for owner, place in zip(owners, places, strict=True):
            claimed = leases.claim(filled, owner)
            assert claimed
            leases.heartbeat(filled, owner, {"place": place}, claimed[0].id)
        said = queue("list").out
        assert "queued (slurm 4711, 3rd)" in said
        assert "running (slurm 4712 on n2)" in said


class TestChanging:
    def test_states(self, queue: Queue, filled: Store) -> None:
        assert queue("cancel", "1", "2").out == "job 1: cancelled\njob 2: cancelled\n"
        assert queue("retry", "1", "-q").out == "1\n"
        assert queue("pause", "1", "3", "--json").data["jobs"][1]["state"] == "paused"
        assert states(filled) == {1: "paused", 2: "cancelled", 3: "paused"}
        queue("resume", "3")
        assert states(filled) == {1: "paused", 2: "cancelled", 3: "queued"}
        refused = queue("cancel", "2")
        assert refused.status == 2
        assert "hint: skyreels queue retry 2" in refused.err

    def test_a_running_job_is_asked(self, queue: Queue, filled: Store) -> None:
        leases.claim(filled, leases.register(filled, "cpu"))
        assert queue("pause", "1").out == "job 1: running, stops at its next checkpoint\n"
        assert queue("cancel", "1").out == "job 1: running, stops within a step\n"
        assert "cancel asked" in queue("list").out

    def test_a_job_elsewhere_whose_worker_is_gone_is_asked(self, queue: Queue, filled: Store) -> None:
        owner = leases.register(filled, "cpu")
        leases.claim(filled, owner)
        leases.retire(filled, owner)
        folder = JobFolder.of(filled.job(1).output_path)
        folder.fill({"job": 1})
        folder.note_id("4711")
        assert queue("pause", "1").out == "job 1: paused; its job elsewhere (4711) is asked to stop\n"
        assert queue("resume", "1").out == "job 1: queued\n"
        assert queue("cancel", "1").out == "job 1: cancelled; its job elsewhere (4711) is asked to stop\n"
        assert folder.is_asked_to_stop()

    def test_order(self, queue: Queue, filled: Store) -> None:
        queue("move", "3", "--top")
        assert queue("-q").out == "3\n1\n2\n"
        queue("move", "3", "--to", "2")
        assert queue("-q").out == "1\n3\n2\n"
        queue("move", "1", "--bottom")
        assert queue("-q").out == "3\n2\n1\n"
        queue("priority", "1", "5")
        assert queue("-q").out == "1\n3\n2\n"
        queue("priority", "1", "--", "-1")
        assert queue("-q").out == "3\n2\n1\n"
        assert queue("move", "1", "--json").error == (2, "usage")
        assert queue("move", "1", "--top", "--bottom", "--json").error == (2, "usage")

    def test_removing(self, queue: Queue, filled: Store) -> None:
        assert queue("remove", "3").out == "1 removed\n"
        queue("cancel", "1")
        assert queue("clear", "--json").data == {"removed": 1}
        assert queue("clear", "--failed", "-q").out == "0\n"
        assert queue("clear", "--all", "-q").out == "1\n"
        assert filled.jobs() == []

    def test_export_and_import(self, queue: Queue, filled: Store, films: Path) -> None:
        assert queue("export", "queue.zip").out == "3 jobs → queue.zip\n"
        queue("clear", "--all")
        assert queue("import", "queue.zip").out == "3 jobs added\n"
        assert queue("import", "queue.zip").out == "0 jobs added, 3 were here already\n"
        assert queue("import", "gone.zip", "--json").error == (2, "not-a-queue")
        assert [job.prompt for job in filled.jobs()] == ["a red ball", "a blue cube", "a swan"]

    def test_the_service(self, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        assert queue("install-service", "--print").out.startswith("[Unit]\n")
        unit = tmp_path / "systemd" / "user" / "skyreels-queue.service"
        assert not unit.exists()
        ran = queue("install-service")
        assert (ran.out, unit.exists()) == (f"{unit}\n", True)
        assert "systemctl --user enable --now skyreels-queue.service" in ran.err


class TestRun:
    @pytest.fixture(autouse=True)
    def fake(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("skyreels_local.executor.renderer_command", lambda: FAKE)

    def test_once(self, queue: Queue, filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYREELS_ON_FINISHED", f'echo "$SKYREELS_OUTPUT" >> {tmp_path / "told"}')
        ran = queue("run", "--once", "--json")
        assert (ran.status, ran.data) == (0, {"ended": {"succeeded": 3}})
        assert states(filled) == {1: "succeeded", 2: "succeeded", 3: "succeeded"}
        assert len((tmp_path / "told").read_text().splitlines()) == 3
        said = [line[9:] for line in ran.err.splitlines()[1:]]
        assert said[:4] == [
            "job 1: a red ball",
            "job 1: window 1, 0:00",
            "job 1: window 2, 0:00",
            f"job 1: finished: {filled.job(1).output}",
        ]
        assert queue("run", "--once").out == "nothing to do\n"

    def test_events(self, queue: Queue, filled: Store) -> None:
        lines = [json.loads(line) for line in queue("run", "--once", "--events").out.splitlines()]
        mine = [line["event"] for line in lines[:-1] if line["job"] == 1]
        assert mine == [
            "job_claimed", "job_started", "stage_started",
            *["window_started", *["step_done"] * 3, "window_done"] * 2,
            "film_done", "job_ended",
        ]  # fmt: skip
        assert lines[-1]["data"] == {"ended": {"succeeded": 3}}

    def test_a_failure_is_told_and_the_worker_did_its_work_all_the_same(
        self, queue: Queue, store: Store, films: Path
    ) -> None:
        store.add(new_job(films / "a.mp4", fail_at=0, times=9, code="model-not-found", exit_code=2))
        ran = queue("run", "--once")
        assert (ran.status, ran.out) == (0, "1 failed\n")
        assert "job 1: failed: it went wrong: model-not-found" in ran.err

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
    def test_signals(self, queue: Queue, store: Store, films: Path, home: Path, number: int, status: int) -> None:
        store.add(new_job(films / "a.mp4", wait_at=3))

        def stop() -> None:
            other = Store(home / "queue")
            wait_for(lambda: other.job(1).steps_done)
            os.kill(os.getpid(), number)

        thread = threading.Thread(target=stop)
        thread.start()
        ran = queue("run", "--json")
        thread.join()
        assert ran.status == status
        assert (states(store), store.workers()) == ({1: "queued"}, [])

    def test_a_broken_device_ends_it_and_is_said(self, queue: Queue, store: Store, films: Path) -> None:
        for number in range(4):
            store.add(new_job(films / f"{number}.mp4", die_at=0, times=99, max_attempts=1))
        ran = queue("run", "--once", "--json")
        assert ran.error == (1, "device-trouble")
        assert "3 jobs in a row failed alike on auto: the renderer was killed by SIGSEGV; the next trial" in ran.err
        assert states(store) == {1: "failed", 2: "failed", 3: "queued", 4: "queued"}

    def test_another_worker_is_pointed_out(self, queue: Queue, store: Store) -> None:
        leases.register(store, "cuda:0")
        assert f"warning: process {os.getpid()} is at work already, on cuda:0" in queue("run", "--once").err

    def test_unknown_executors(self, queue: Queue) -> None:
        assert queue("run", "--executor", "slrum", "--json").error == (5, "plugin-not-found")

    def test_workers_are_for_this_machine_and_slots_for_others(
        self, queue: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert queue("run", "--slots", "2", "--json").error == (2, "usage")
        monkeypatch.setattr("skyreels_local.executor.Local.elsewhere", True)
        assert queue("run", "--workers", "2", "--json").error == (2, "usage")

    def test_options_that_the_executor_does_not_have(self, queue: Queue) -> None:
        assert queue("run", "-O", "local.slots=2", "--json").error == (2, "bad-option")
        assert queue("run", "-O", "teacache.threshold=0.1", "--json").error == (2, "bad-option")


def test_help_is_quick_and_complete(queue: Queue) -> None:
    listed = queue("--help").out
    for command in (
        "add", "list", "show", "cancel", "retry", "pause", "resume", "move", "priority", "edit", "remove", "clear",
        "logs", "watch", "run", "stop", "export", "import", "install-service",
    ):  # fmt: skip
        assert f"│ {command} " in listed
    generate = {line.split()[1] for line in _help("generate").splitlines() if line.startswith("│ --")}
    added = {line.split()[1] for line in _help("queue", "add").splitlines() if line.startswith("│ --")}
    assert generate - added == {"--dry-run", "--explain", "--preview", "--bell"}


def _help(*command: str) -> str:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as said:
        main([*command, "--help"])
    return said.getvalue()


class TestLater:
    def test_a_job_after_another_and_one_for_later(self, queue: Queue, store: Store) -> None:
        queue("add", "a red ball", *MODEL)
        second = queue("add", "a blue cube", *MODEL, "--after", "1")
        third = queue("add", "a swan", *MODEL, "--at", "+2h")
        assert "it starts once job 1 has succeeded" in second.err
        assert "it starts at " in third.err
        assert store.job(2).after == 1
        assert store.job(3).not_before == pytest.approx(time.time() + 7200, abs=600)
        listed = queue("list").out
        assert "after job 1" in listed
        assert f"at {datetime.fromtimestamp(store.job(3).not_before or 0).astimezone():%a %H:%M}" in listed

    @pytest.mark.parametrize(("said", "code"), [(("--after", "9"), "job-not-found"), (("--at", "soon"), "bad-time")])
    def test_what_cannot_be_waited_for(self, queue: Queue, store: Store, said: tuple[str, str], code: str) -> None:
        assert queue("add", "a red ball", *MODEL, *said, "--json").error == (2, code)
        assert store.count() == 0


class TestGroups:
    @pytest.fixture(autouse=True)
    def takes(self, queue: Queue) -> None:
        """Job 1 alone, then 2, 3 and 4 as one group."""
        queue("add", "a red ball", *MODEL)
        told = queue("add", "a swan", *MODEL, "--seeds", "7,8,9")
        assert "skyreels queue cancel --group 2 " in told.err

    def test_the_list_and_a_job_say_it(self, queue: Queue, store: Store) -> None:
        listed = queue("list").out.splitlines()
        assert listed[0].split()[:3] == ["job", "group", "state"]
        assert [line.split()[:3] for line in listed[1:4]] == [
            ["1", "queued", "0"],
            ["2", "2", "queued"],
            ["3", "2", "queued"],
        ]
        assert max(map(len, listed)) <= 80
        assert [job["group_id"] for job in queue("list", "--json").data["jobs"]] == [None, 2, 2, 2]
        assert ["group", "2"] in [line.split() for line in queue("show", "3").out.splitlines()]
        queue("remove", "--group", "2")
        assert queue("list").out.split()[:2] == ["job", "state"]

    def test_what_is_done_is_done_to_all_of_them_that_it_concerns(self, queue: Queue, store: Store) -> None:
        queue("cancel", "3")
        assert queue("pause", "--group", "2", "-q").out == "2\n4\n"
        assert states(store) == {1: "queued", 2: "paused", 3: "cancelled", 4: "paused"}
        queue("resume", "--group", "2")
        assert states(store) == {1: "queued", 2: "queued", 3: "cancelled", 4: "queued"}
        assert not store.paused
        queue("cancel", "--group", "2", "1")
        assert set(states(store).values()) == {"cancelled"}
        assert queue("retry", "--group", "2", "-q").out == "2\n3\n4\n"
        assert queue("remove", "--group", "2").out == "3 removed\n"
        assert states(store) == {1: "cancelled"}

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            (("cancel", "--group", "1"), "group-not-found"),
            (("pause", "--group", "9"), "group-not-found"),
            (("retry", "--group", "2"), "job-state"),
            (("remove",), "usage"),
            (("cancel",), "usage"),
        ],
    )
    def test_mistakes(self, queue: Queue, store: Store, said: tuple[str, ...], code: str) -> None:
        ran = queue(*said, "--json")
        assert ran.error == (2, code)
        assert set(states(store).values()) == {"queued"}


class TestStop:
    def test_workers_are_asked_to_leave(self, queue: Queue, store: Store) -> None:
        leases.register(store, "cuda:0")
        assert queue("stop").out == "1 worker asked to stop\n"
        assert [worker.asked_to_stop for worker in store.workers()] == [True]
        assert queue("stop", "--json").data == {"workers": 1}

    def test_without_a_worker_that_is_said(self, queue: Queue, store: Store) -> None:
        assert queue("stop").out == "no worker is running\n"


def test_a_log_is_followed_until_the_job_has_ended(
    queue: Queue, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = JobLog(filled.log(1))
    log.write("first\n")
    more = iter(("second\n", "third\n"))

    def sleep(_: float) -> None:
        line = next(more, None)
        if line:
            log.write(line)
        else:
            log.write("last\n")
            actions.cancel(filled, 1)

    monkeypatch.setattr(queue_look.time, "sleep", sleep)
    assert queue("logs", "1", "--follow").out == "first\nsecond\nthird\nlast\n"
