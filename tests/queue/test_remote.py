"""The far end of a job: what it writes, and how it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.cli.main import main
from skyreels_cli.errors import InterruptedError, OutOfMemoryError, UsageError
from skyreels_cli.queue.batch import remote
from skyreels_cli.queue.batch.event_log import EventReader
from skyreels_cli.queue.batch.folder import JobFolder, is_same_film
from skyreels_cli.queue.batch.remote import run_job

FAILED = {"event": "job_failed", "code": "out-of-memory", "message": "CUDA out of memory", "hint": None, "exit_code": 4}
Script = Callable[[Callable[[], bool]], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    job = JobFolder.of(tmp_path / "swan.mp4")
    job.fill({"do": "render", "job": 7, "recipe": {"prompt": "a swan"}, "output": str(tmp_path / "swan.mp4")})
    return job


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Script], None]:
    """Puts a script in the renderer's place: it is given `is_stopped`, and returns what is said."""
    monkeypatch.setattr(remote, "REQUEST_SECONDS", 0.0)

    def put(script: Script) -> None:
        class Scripted:
            def __init__(self, say: Callable[[Mapping[str, Any]], None], is_stopped: Callable[[int], bool]) -> None:
                self.say, self.is_stopped = say, is_stopped

            def take(self, command: Mapping[str, Any]) -> None:
                for event in script(lambda: self.is_stopped(command["job"])):
                    self.say(event)

        monkeypatch.setattr(remote, "Renderer", Scripted)

    return put


def told(job: JobFolder) -> list[str]:
    return [event["event"] for event in EventReader(job.events).read() if event["event"] != "heartbeat"]


def test_a_film_that_is_done(job: JobFolder, play: Callable[[Script], None]) -> None:
    play(lambda is_stopped: [{"event": "job_started"}, {"event": "film_done", "output": "swan.mp4"}])
    assert run_job(job.path) == {"event": "film_done", "output": "swan.mp4"}
    assert told(job) == ["job_started", "film_done"]
    heartbeat = next(event for event in EventReader(job.events).read() if event["event"] == "heartbeat")
    assert {"host", "gpus", "renderer_bytes"} <= heartbeat["sample"].keys()


def test_a_job_that_fails_ends_with_its_error(job: JobFolder, play: Callable[[Script], None]) -> None:
    play(lambda is_stopped: [FAILED])
    with pytest.raises(OutOfMemoryError, match="CUDA out of memory"):
        run_job(job.path)
    assert told(job) == ["job_failed"]
    assert main(["job", "run", str(job.path)]) == 4


def test_a_request_stops_it(job: JobFolder, play: Callable[[Script], None]) -> None:
    def script(is_stopped: Callable[[], bool]) -> list[dict[str, Any]]:
        assert not is_stopped()
        job.ask_to_stop()
        assert is_stopped()
        return [{"event": "job_stopped"}]

    play(script)
    assert run_job(job.path) == {"event": "job_stopped"}


def test_a_signal_interrupts_it(job: JobFolder, play: Callable[[Script], None]) -> None:
    def script(is_stopped: Callable[[], bool]) -> list[dict[str, Any]]:
        os.kill(os.getpid(), signal.SIGTERM)
        assert is_stopped()
        return [{"event": "job_stopped"}]

    play(script)
    with pytest.raises(InterruptedError):
        run_job(job.path)
    assert told(job) == ["job_interrupted"]
    assert main(["job", "run", str(job.path)]) == 130


def test_a_folder_without_a_job(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        run_job(tmp_path)
    assert raised.value.code == "no-job"


def test_the_same_film_may_be_another_jobs() -> None:
    one = {"do": "render", "job": 1, "recipe": {"seed": 1}, "next": [{"seed": 2}]}
    assert is_same_film(one, {**one, "job": 2, "next": []})
    assert not is_same_film(one, {**one, "recipe": {"seed": 2}})


def test_films_of_one_name_in_two_folders_have_two_names(tmp_path: Path) -> None:
    names = {JobFolder.of(tmp_path / folder / "swan.mp4").name for folder in "ab"}
    assert len(names) == 2
    assert all(name.startswith("swan.mp4-") for name in names)
