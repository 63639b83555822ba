"""SIGTERM, SIGHUP and a terminal that goes away: films stay resumable, and the terminal is left as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.store import Store

from .terminal import ROOT, Terminal, command, environment

MODEL = str(ROOT / "tests" / "golden" / "model")
FILM = (
    *("generate", "a ball", "--model", MODEL, "--resolution", "80x48", "--num-frames", "65", "--base-num-frames", "17"),
    *("--overlap-history", "5", "--inference-steps", "12", "--seed", "1", "--codec", "ffv1"),
)
ENDING = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_HOME", str(tmp_path / "home"))


def finish(folder: Path, name: str) -> None:
    ran = subprocess.run(
        command(*FILM, "-o", name), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("number", ENDING)
def test_generate_leaves_as_with_ctrl_c(number: signal.Signals, tmp_path: Path) -> None:
    terminal = Terminal((*FILM, "-o", "x.mkv"), tmp_path)
    terminal.until("window ")
    assert terminal.end(number) == 130
    assert terminal.unrestored() == []
    assert b"hint:\x1b[0m skyreels resume x.mkv" in terminal.said
    assert (tmp_path / "x.mkv.skyreels" / "film.json").is_file()  # before a first step there is no checkpoint to keep


@pytest.mark.parametrize("number", ENDING)
def test_the_dashboard_leaves_the_terminal_as_it_was(number: signal.Signals, tmp_path: Path) -> None:
    terminal = Terminal(("queue", "monitor"), tmp_path)
    terminal.until("Quit")
    assert terminal.end(number) == 130
    assert terminal.unrestored() == []


def test_a_dashboard_whose_terminal_goes_away_ends(tmp_path: Path) -> None:
    terminal = Terminal(("queue", "monitor"), tmp_path)
    terminal.until("Quit")
    assert terminal.hang_up() == 130


def test_a_hostile_prompt_stays_text_on_every_screen_of_the_dashboard(tmp_path: Path) -> None:
    hostile = (
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b]0;title\x07",
        "\x1bP1$r\x1b\\",
        "\x9b31m",
        "\x9d0;x\x9c",
        "\u202e",
        "\u2066",
    )
    prompt = f"a ball {''.join(hostile)} rolls"
    add = command("queue", "add", prompt, *FILM[2:], "--num-frames", "17", "-o", "x\x1b[31m.mkv")
    added = subprocess.run(add, cwd=tmp_path, env=environment(), capture_output=True, check=False)
    assert added.returncode == 0, added.stderr
    terminal = Terminal(("queue", "monitor"), tmp_path)
    terminal.until("a ball")
    for keys in ("\r", "\x1b", "e", "\x1b", "d", "\x1b", "h", "\x1b"):
        terminal.type(keys)
        time.sleep(0.5)
    assert terminal.end(signal.SIGTERM) == 130
    assert [text for text in hostile if text.encode() in terminal.said] == []


def test_a_worker_outlives_its_terminal(tmp_path: Path) -> None:
    terminal = Terminal(("queue", "run"), tmp_path)
    terminal.until("at work on")
    with pytest.raises(subprocess.TimeoutExpired):
        terminal.process.wait(0.1)
    terminal.process.send_signal(signal.SIGHUP)
    added = subprocess.run(
        command("queue", "add", *FILM[1:], "--num-frames", "17", "-o", "x.mkv"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert added.returncode == 0, added.stderr
    deadline = time.monotonic() + 90
    while not (tmp_path / "x.mkv").is_file():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert terminal.end(signal.SIGTERM) == 0
    assert terminal.unrestored() == []


def wait_for_torch(process: subprocess.Popen[bytes], longer: float) -> None:
    """Wait until a process, or a child of its, has begun to import torch, and so many seconds longer."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 300
    while process.poll() is None:
        assert time.monotonic() < deadline
        with suppress(OSError):
            for number in (str(process.pid), *children.read_text().split()):
                if "libtorch" in Path(f"/proc/{number}/maps").read_text():
                    time.sleep(longer)
                    return
        time.sleep(0.01)


def take_again(folder: Path) -> tuple[str, ...]:
    finish(folder, "x.mkv")
    return ("resume", "x.mkv", "--from-window", "2", "--seed", "5")


def run_job(folder: Path) -> tuple[str, ...]:
    add = command("queue", "add", *FILM[1:], "-o", "x.mkv")
    assert subprocess.run(add, cwd=folder, env=environment(), capture_output=True, check=False).returncode == 0
    job = Store(folder / "home" / "queue").job(1)
    place = JobFolder.of(job.output_path)
    how = {"keep_work": False, "overwrite": False, "next": []}
    placement = {"device": "cpu", "offload": "none", "attention": "auto", "gpus": 1}
    place.fill({"do": "render", "job": 1, "recipe": job.recipe, "placement": placement, "output": job.output, **how})
    return ("job", "run", str(place.path))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="sees in /proc what a process has loaded")
@pytest.mark.parametrize("begin", [lambda _: ("doctor",), take_again, run_job], ids=["doctor", "resume", "job"])
def test_while_torch_is_imported_a_command_ends_as_at_any_time(
    begin: Callable[[Path], tuple[str, ...]], tmp_path: Path
) -> None:
    words = begin(tmp_path)
    for number, longer in product((signal.SIGINT, *ENDING), (0.0, 0.5)):
        process = subprocess.Popen(
            command(*words), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, start_new_session=True
        )
        wait_for_torch(process, longer)
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=300)
        assert (process.returncode, b"Traceback" in said) == (130, False), (number, longer, said[-2000:].decode())


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
def test_stopped_at_ten_moments_the_film_is_the_same(
    number: signal.Signals, tmp_path: Path, digest_of: Callable[[Path], str]
) -> None:
    started = time.monotonic()
    finish(tmp_path, "calm.mkv")
    seconds = time.monotonic() - started
    calm = digest_of(tmp_path / "calm.mkv")
    for moment in range(1, 11):
        name = f"{moment}.mkv"
        terminal = Terminal((*FILM, "-o", name), tmp_path)
        time.sleep(seconds * moment / 11)
        status = terminal.end(number)
        assert status in (0, 130, -number), terminal.said  # killed before Python has begun; finished before it came
        assert terminal.unrestored() == []
        finish(tmp_path, name)
        assert digest_of(tmp_path / name) == calm


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
def test_the_dashboard_told_to_end_at_ten_moments_leaves_the_terminal_as_it_was(
    number: signal.Signals, tmp_path: Path
) -> None:
    for moment in range(1, 11):
        terminal = Terminal(("queue", "monitor"), tmp_path)
        time.sleep(moment * 0.3)
        assert terminal.end(number) in (130, -number), terminal.said
        assert terminal.unrestored() == []


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
def test_a_queue_whose_worker_is_told_to_end_at_ten_moments_is_finished(
    number: signal.Signals, tmp_path: Path, digest_of: Callable[[Path], str]
) -> None:
    finish(tmp_path, "calm.mkv")
    add = command("queue", "add", *FILM[1:], "-o", "x.mkv")
    assert subprocess.run(add, cwd=tmp_path, env=environment(), check=False).returncode == 0
    for moment in range(10):
        terminal = Terminal(("queue", "run", "--once"), tmp_path)
        time.sleep(1 + moment)
        at_work = b"at work on" in terminal.said
        if number == signal.SIGHUP:
            terminal.process.send_signal(number)
        status = terminal.end(signal.SIGTERM)
        assert status == 0 or (not at_work and status in (130, -number)), terminal.said
        assert terminal.unrestored() == []
    run = command("queue", "run", "--once")
    assert subprocess.run(run, cwd=tmp_path, env=environment(), check=False).returncode == 0
    listed = subprocess.run(
        command("queue", "list", "--json"), cwd=tmp_path, env=environment(), capture_output=True, check=False
    )
    assert [job["state"] for job in json.loads(listed.stdout)["data"]["jobs"]] == ["succeeded"]
    assert digest_of(tmp_path / "x.mkv") == digest_of(tmp_path / "calm.mkv")
