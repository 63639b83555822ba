"""Ctrl-C while a film is being made, sent for real."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag

import pytest

from skyreels_cli.cli.interrupt import Interrupts
from skyreels_cli.cli.main import main
from skyreels_cli.film.events import FilmDone, FramesReady, StageStarted, StepDone, WindowDone, WindowStarted

Start = Callable[..., Interrupts]
WINDOW = WindowStarted(1, None, 30, 0, 97, "a ball")
STEP = StepDone(1, 0, 30, 1.0, 0, ())


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def left() -> Flag:
    """Set where the process would have ended."""
    return Flag()


@pytest.fixture
def start(told: list[str], left: Flag) -> Start:
    """Interrupts whose process goes on for the rest of the test."""

    def start(*, endless: bool = False) -> Interrupts:
        def leave() -> None:
            interrupts._last_word.release()
            left.set()

        interrupts = Interrupts(endless=endless, tell=told.append, leave=leave)
        return interrupts

    return start


@pytest.fixture
def interrupts(start: Start) -> Iterator[Interrupts]:
    """Those of a film with an end."""
    with start() as interrupts:
        yield interrupts


def press(number: int = signal.SIGINT) -> None:
    signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_before_the_first_window_it_stops_between_two_stages(
    number: int, interrupts: Interrupts, told: list[str], left: Flag
) -> None:
    interrupts.heed(StageStarted("loading text encoder"))
    press(number)  # and raises nothing: the next lines may be those of a C++ library
    with pytest.raises(KeyboardInterrupt):
        interrupts.heed(StageStarted("loading transformer"))
    assert (interrupts.ending.is_set(), told, left.is_set()) == (False, [], False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stage_that_lasts_is_not_waited_for(
    number: int, interrupts: Interrupts, left: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skyreels_cli.cli.interrupt.PATIENCE", 0.05)
    press(number)
    assert left.wait(10)


def test_who_has_stopped_by_itself_is_not_ended(start: Start, left: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyreels_cli.cli.interrupt.PATIENCE", 0.05)
    with start():
        press()
    assert not left.wait(0.2)


def test_a_finite_film_stops_after_the_step(interrupts: Interrupts, told: list[str]) -> None:
    interrupts.heed(WINDOW)
    press()
    assert told == ["stopping after this step; Ctrl-C again stops at once"]
    with pytest.raises(KeyboardInterrupt):
        interrupts.heed(STEP)
    assert not interrupts.ending.is_set()


def test_the_second_time_at_once(interrupts: Interrupts, left: Flag) -> None:
    interrupts.heed(WINDOW)
    press()
    press()
    assert left.wait(10)


def test_a_step_is_waited_for_however_often_it_is_told_to_end(interrupts: Interrupts, left: Flag) -> None:
    interrupts.heed(WINDOW)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
        press(number)
    assert not left.wait(0.1)
    with pytest.raises(KeyboardInterrupt):
        interrupts.heed(STEP)


def test_a_film_that_is_done_is_not_interrupted(interrupts: Interrupts) -> None:
    interrupts.heed(WINDOW)
    press()
    interrupts.heed(FilmDone("x.mp4", 97, 24, 80, 48, 4.0, 1, 1, 30, "df", 1.0, 0, {}))


def test_an_endless_film_ends_then_stops_then_breaks_off(start: Start, told: list[str], left: Flag) -> None:
    with start(endless=True) as interrupts:
        interrupts.heed(WINDOW)
        press()
        assert interrupts.ending.is_set()
        interrupts.heed(STEP)
        press()
        with pytest.raises(KeyboardInterrupt):
            interrupts.heed(STEP)
        press()
        assert left.wait(10)
    assert [line.split(";")[0] for line in told] == ["the film ends with this window", "stopping after this step"]


def test_a_window_that_is_being_decoded_is_finished_first(interrupts: Interrupts) -> None:
    interrupts.heed(WINDOW)
    press()
    interrupts.heed(FramesReady(1, 5, 97))
    with pytest.raises(KeyboardInterrupt):
        interrupts.heed(WindowDone(1, 1.0, 0))


def test_afterwards_ctrl_c_is_what_it_was(start: Start) -> None:
    before = signal.getsignal(signal.SIGINT)
    with start():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_library_that_makes_another_error_of_it_is_interrupted_all_the_same(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build_schema(*_: object) -> int:
        try:
            press(number)
        except KeyboardInterrupt:
            raise ValueError("Error building `model` serializer") from None
        return 0

    monkeypatch.setattr("skyreels_cli.cli.main._run", build_schema)
    assert main(["generate"]) == 130
    assert capsys.readouterr().err == "error: interrupted before the work was finished\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_exit_code_is_ours_wherever_the_signal_came(number: int, tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("""
import signal, sys
from skyreels_cli.cli.interrupt import ended_as_interrupted
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with ended_as_interrupted():
        exec("signal.raise_signal(int(sys.argv[1]))")
except KeyboardInterrupt:
    sys.exit(130)
""")
    command = [sys.executable, "-m", "told", str(int(number))]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 130
