"""Ctrl-C while a film is being made, sent for real."""

from __future__ import annotations

import signal

import pytest

from skyreels_cli.cli.interrupt import Interrupts
from skyreels_cli.film.events import FramesReady, StageStarted, StepDone, WindowDone, WindowStarted

WINDOW = WindowStarted(1, None, 30, 0, 97, "a ball")
STEP = StepDone(1, 0, 30, 1.0, 0, ())


@pytest.fixture
def told() -> list[str]:
    return []


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_before_the_first_window_it_interrupts(told: list[str]) -> None:
    with Interrupts(endless=True, tell=told.append) as interrupts:
        interrupts.heed(StageStarted("loading transformer"))
        with pytest.raises(KeyboardInterrupt):
            press()
    assert (interrupts.ending.is_set(), told) == (False, [])


def test_a_finite_film_stops_after_the_step(told: list[str]) -> None:
    with Interrupts(endless=False, tell=told.append) as interrupts:
        interrupts.heed(WINDOW)
        press()
        assert told == ["stopping after this step; Ctrl-C again stops at once"]
        with pytest.raises(KeyboardInterrupt):
            interrupts.heed(STEP)
    assert not interrupts.ending.is_set()


def test_the_second_time_at_once(told: list[str]) -> None:
    with Interrupts(endless=False, tell=told.append) as interrupts:
        interrupts.heed(WINDOW)
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_an_endless_film_ends_then_stops_then_breaks_off(told: list[str]) -> None:
    with Interrupts(endless=True, tell=told.append) as interrupts:
        interrupts.heed(WINDOW)
        press()
        assert interrupts.ending.is_set()
        interrupts.heed(STEP)
        press()
        with pytest.raises(KeyboardInterrupt):
            interrupts.heed(STEP)
        with pytest.raises(KeyboardInterrupt):
            press()
    assert [line.split(";")[0] for line in told] == ["the film ends with this window", "stopping after this step"]


def test_a_window_that_is_being_decoded_is_finished_first(told: list[str]) -> None:
    with Interrupts(endless=False, tell=told.append) as interrupts:
        interrupts.heed(WINDOW)
        press()
        interrupts.heed(FramesReady(1, 5, 97))
        with pytest.raises(KeyboardInterrupt):
            interrupts.heed(WindowDone(1, 1.0, 0))


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(endless=False, tell=print):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
