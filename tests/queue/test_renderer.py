"""The real renderer: in this process with a film engine that costs nothing, and as the process it is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from skyreels_local.child import Child, death_record, describe_exit

from skyreels_cli.film.events import Event, FilmDone, StageStarted
from skyreels_cli.film.placement import Placement
from skyreels_cli.hub.open import open_model
from skyreels_cli.queue.owner import process_start
from skyreels_cli.queue.renderer import Renderer
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

from .conftest import FAKE, PLACEMENT, wait_for

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "golden" / "model"


@dataclass
class Engine:
    """Stands in for `film.render`."""

    fails_with: Exception | None = None
    finishes: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)
    models: list[tuple[str, Placement]] = field(default_factory=list)
    expected: list[list[str]] = field(default_factory=list)
    released: int = 0
    closed: int = 0

    def hold(self, rendering: Any) -> SimpleNamespace:
        self.models.append((rendering.weights.compute, rendering.placement))

        def expect(prompts: Iterator[str]) -> None:
            self.expected.append(list(prompts))

        return SimpleNamespace(device="cpu", number=len(self.models), expect=expect, close=self.close)

    def close(self) -> None:
        self.released += 1

    def render(self, rendering: Any, *, model: Any) -> Generator[Event]:
        output = rendering.output
        kept = {"keep_work": rendering.keep_work, "overwrite": rendering.overwrite}
        self.calls.append({"recipe": rendering.recipe, "output": output, "model": model.number, "working": kept})
        try:
            for number in range(3):
                if self.fails_with:
                    raise self.fails_with
                yield StageStarted(f"stage {number}")
            if self.finishes:
                yield FilmDone(str(output), 17, 24, 80, 48, 0.7, 7, 1, 30, "golden", 1.0, 1, {})
        finally:
            self.closed += 1


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    parts: dict[str, dict[str, Any]] = {
        "skyreels_cli.film.render": {"render": engine.render, "hold": engine.hold},
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return engine


def command(job: int, **changed: Any) -> dict[str, Any]:
    draft = {"prompt": "a ball", "model": str(MODEL), "resolution": "80x48", "num_frames": 17, "seed": 7}
    recipe = complete(Draft.model_validate(draft), open_model(str(MODEL))).model_dump(mode="json", by_alias=True)
    said = {"do": "render", "job": job, "recipe": recipe, "placement": PLACEMENT, "output": "/films/a.mp4"}
    return {**said, "keep_work": False, "overwrite": True, "next": [], **changed}


def render(*commands: dict[str, Any], stop: int | None = None) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    renderer = Renderer(lambda event: said.append(dict(event)), lambda job: job == stop)
    for each in commands:
        renderer.take(each)
    return said


def test_a_film_is_announced_with_recipe_and_plan_and_told_event_by_event(engine: Engine) -> None:
    started, *rest = render(command(5))
    assert (started["event"], started["job"]) == ("job_started", 5)
    plan = started["plan"]
    assert (plan["frames"], plan["total_rows"], plan["family"], plan["device"]) == (17, 30, "df", "cpu")
    assert plan["denoise_flops"] > 1e9
    assert json.dumps(started)
    ((windows, steps, step, decode, drop, frames),) = plan["work"]["runs"]
    assert (windows, steps, drop, frames) == (1, 30, 0, 17)
    assert step > 0 < decode
    told = [{name: value for name, value in event.items() if name != "time"} for event in rest]
    assert told == [{"event": "stage_started", "stage": f"stage {n}", "job": 5} for n in range(3)]
    assert all(abs(event["time"] - time.time()) < 600 for event in rest)
    (call,) = engine.calls
    assert (call["output"], call["working"]) == (Path("/films/a.mp4"), {"keep_work": False, "overwrite": True})


def test_a_text_that_is_written_first_is_heard_of_piece_by_piece(engine: Engine, tmp_path: Path) -> None:
    said = command(5, output=str(tmp_path / "a.mp4"))
    mark = {"prompt": "a ball", "provider": "rules", "pending": True}
    writing, text, started, *_ = render({**said, "recipe": {**said["recipe"], "enhanced": mark}})
    assert writing == {"event": "stage_started", "stage": "writing prompt", "job": 5}
    (call,) = engine.calls
    assert text == {"event": "text_written", "text": call["recipe"].prompt, "job": 5}
    assert started["event"] == "job_started"


def test_a_film_that_is_to_stop_is_closed_and_says_so(engine: Engine) -> None:
    said = render(command(5), command(6), stop=5)
    assert [event["event"] for event in said if event["job"] == 5] == ["job_started", "stage_started", "job_stopped"]
    assert [event["event"] for event in said if event["job"] == 6] == ["job_started", *["stage_started"] * 3]
    assert engine.closed == 2


def test_a_film_that_is_done_is_done_though_it_was_to_stop(engine: Engine) -> None:
    engine.finishes = True
    said: list[dict[str, Any]] = []
    renderer = Renderer(lambda event: said.append(dict(event)), lambda _: len(said) > 4)
    renderer.take(command(5))
    assert [event["event"] for event in said] == ["job_started", *["stage_started"] * 3, "film_done"]


def test_a_loaded_model_is_kept_until_another_one_is_wanted(engine: Engine) -> None:
    stream = {**PLACEMENT, "offload": "stream"}
    wide = {**command(1)["recipe"], "dtype": "float32"}
    render(command(1), command(2), command(3, placement=stream), command(4, placement=stream, recipe=wide), command(5))
    assert [call["model"] for call in engine.calls] == [1, 1, 2, 3, 4]
    assert [(dtype, placement.offload) for dtype, placement in engine.models] == [
        ("bfloat16", "none"),
        ("bfloat16", "stream"),
        ("float32", "stream"),
        ("bfloat16", "none"),
    ]
    assert engine.released == 3


def test_prompts_of_jobs_that_come_next_are_named_and_nonsense_is_left_for_its_turn(engine: Engine) -> None:
    render(command(1))
    recipe = command(1)["recipe"]
    coming = [{**recipe, "prompt": "a cube", "negative_prompt": "blurry"}, {"prompt": "of another version"}]
    render(command(2, next=[*coming, {**recipe, "prompt": "a cone", "guidance_scale": 1.0}]))
    assert engine.expected == [[], ["a cube", "blurry", "a cone"]]


def test_errors_are_told_and_the_traceback_goes_to_the_log(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.fails_with = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
    said = render(command(1), command(2, recipe={**command(2)["recipe"], "model": "/gone"}))
    memory, gone = (event for event in said if event["event"] == "job_failed")
    assert (memory["job"], memory["code"], memory["exit_code"]) == (1, "out-of-memory", 4)
    assert (gone["job"], gone["code"], gone["exit_code"]) == (2, "model-not-found", 2)
    assert "Traceback" in capsys.readouterr().err


NOISY = """
import os, sys
import skyreels_cli.queue.renderer as renderer
class Noisy:
    def __init__(self, say, stopped):
        self.say = say
    def take(self, command):
        print("a library prints")
        os.system("echo a program prints")
        self.say({"event": "job_failed", "job": command["job"]})
renderer.Renderer = Noisy
renderer.main()
"""


def test_only_the_protocol_is_on_stdout() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", NOISY], stdin=-1, stdout=-1, stderr=-1, text=True, cwd=ROOT, start_new_session=True
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stdin.write('{"do": "stop", "job": 1}\n{"do": "render", "job": 2}\n')
    child.stdin.flush()
    assert json.loads(child.stdout.readline()) == {"event": "job_failed", "job": 2}
    child.stdin.close()
    assert child.stdout.read() == ""
    assert child.stderr.read() == "a library prints\na program prints\n"
    assert child.wait() == 0


def test_the_renderer_ends_with_its_worker() -> None:
    """Reading a command from a pipe whose other end has died."""
    script = f"""
import os, signal, subprocess, sys
from skyreels_local.child import Child
child = Child({FAKE!r}, print)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=-1, text=True, check=False)
    pid = int(ran.stdout)
    wait_for(lambda: process_start(pid) is None)


def test_a_child_is_heard_logged_and_killed_with_all_it_started() -> None:
    inbox: Any = SimpleQueue()
    script = """
import subprocess, sys, os
helper = subprocess.Popen(["sleep", "1000"])
print('{"event": "hello", "helper": %d}' % helper.pid, flush=True)
sys.stdin.readline()
print("no protocol", flush=True)
print("[1, 2]", flush=True)
print("an error", file=sys.stderr, flush=True)
sys.stdin.read()
"""
    child = Child([sys.executable, "-c", script], lambda *told: inbox.put(told))
    lines: list[str] = []
    child.log = lines.append
    _, hello = inbox.get(timeout=120)
    child.send({"do": "render", "job": 1})  # the log is there: now it may be written to
    wait_for(lambda: len(lines) == 3)
    assert sorted(lines) == ["[1, 2]\n", "an error\n", "no protocol\n"]
    child.kill()
    assert inbox.get(timeout=120) == (child, {"event": "exited", "error": death_record(1, -9, for_memory=False)})
    wait_for(lambda: not process_start(hello["helper"]))
    child.send({"do": "stop", "job": 1})  # to nobody


def test_exits_are_described() -> None:
    assert describe_exit(-11) == "the renderer was killed by SIGSEGV"
    assert describe_exit(-99) == "the renderer was killed by signal 99"
    assert describe_exit(3) == "the renderer ended with status 3"
