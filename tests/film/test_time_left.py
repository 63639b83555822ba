from __future__ import annotations

from pathlib import Path

import pytest

from skyreels_cli.film.events import (
    Event,
    FilmResumed,
    FramesReady,
    StageStarted,
    StepDone,
    WindowDone,
    WindowResumed,
    WindowStarted,
)
from skyreels_cli.film.time_left import TimeLeft
from skyreels_cli.film.waits import NOT_KNOWN, Waits, known_waits, remember_waits
from skyreels_cli.plan.work import FilmWork, WindowWork

# Three windows of 20 steps that cost 1 each, and a decoding of 4.
WORK = FilmWork([WindowWork(1, 20, 1.0, 4.0, 0, 97), WindowWork(2, 20, 1.0, 4.0, 16, 80)])
# The same where it is known that a step takes 2 s here.
KNOWN = FilmWork([WindowWork(1, 20, 2.0, 4.0, 0, 97), WindowWork(2, 20, 2.0, 4.0, 16, 80)], known=True)
FIRST = WindowStarted(1, 3, 20, 0, 97, "x")
SECOND = WindowStarted(2, 3, 20, 97, 80, "x")
DECODING, JOINING = StageStarted("decoding"), StageStarted("joining")


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def after(clock: Clock, *events: Event, work: FilmWork = WORK, waits: Waits = NOT_KNOWN) -> TimeLeft:
    left = TimeLeft(work, waits, clock)
    return go_on(left, *events)


def go_on(left: TimeLeft, *events: Event) -> TimeLeft:
    for event in events:
        left.take(event.to_dict())
    return left


def steps(count: int, seconds: float, window: int = 1, first: int = 0) -> list[StepDone]:
    return [StepDone(window, row, 20, seconds, 0, ()) for row in range(first, first + count)]


def test_nothing_is_known_before_the_first_step(clock: Clock) -> None:
    left = after(clock, StageStarted("loading"), FIRST)
    assert (left.step_seconds, left.window_left, left.film_left, left.share) == (None, None, None, None)


def test_decoding_is_in_the_time_before_one_was_seen(clock: Clock) -> None:
    """As the plan has it beside the steps: 4 steps' worth."""
    left = after(clock, FIRST, *steps(5, 2.0))
    assert left.window_left == 15 * 2 + 8
    assert left.film_left == 55 * 2 + 3 * 8
    assert left.share == pytest.approx(10 / (60 * 2 + 3 * 8))


def test_the_first_step_also_warms_up_and_counts_until_there_is_another(clock: Clock) -> None:
    left = after(clock, FIRST, *steps(1, 40.0))
    assert left.step_seconds == 40
    go_on(left, *steps(2, 2.0, first=1))
    assert left.step_seconds == 2
    assert left.window_left == 17 * 2 + 8


def test_it_runs_down_between_steps_but_not_past_one(clock: Clock) -> None:
    left = after(clock, FIRST, *steps(5, 2.0))
    clock.seconds += 1.5
    assert left.window_left == 15 * 2 - 1.5 + 8
    clock.seconds += 60
    assert left.window_left == 14 * 2 + 8


def test_decoding_runs_down_and_is_told_by_its_frames_where_none_was_seen(clock: Clock) -> None:
    left = after(clock, FIRST, *steps(20, 2.0), DECODING)
    clock.seconds += 3.0
    assert left.window_left == 8.0 - 3.0
    go_on(left, FramesReady(1, 24, 257))  # 24 of 97 in 3 s
    assert left.window_left == pytest.approx((8.0 * 73 / 97 + 3.0) * 73 / 97)
    clock.seconds += 6.0
    go_on(left, FramesReady(1, 96, 257))
    assert left.window_left == pytest.approx((8.0 / 97 + 9.0) / 97)


def test_a_window_that_was_decoded_tells_of_the_others(clock: Clock) -> None:
    left = after(clock, FIRST, *steps(20, 2.0), WindowDone(1, 40 + 7, 0), SECOND, *steps(1, 2.0, 2))
    assert left.film_left == 39 * 2 + 2 * 7
    go_on(left, *steps(19, 2.0, 2, 1), DECODING)
    clock.seconds += 2.0
    assert left.window_left == 7.0 - 2.0
    clock.seconds += 4.0  # it is slower this time: half of 96 frames took 6 s
    go_on(left, FramesReady(2, 97 + 32, 257))
    assert left.window_left == 7.0 / 2


def test_an_earlier_film_tells_of_loading_and_joining(clock: Clock) -> None:
    waits = Waits(loading=30.0, joining=0.01)
    loading = (StageStarted("loading text encoder"), StageStarted("loading transformer"))
    left = after(clock, *loading, work=KNOWN, waits=waits)
    whole = 60 * 2.0 + 3 * 4.0 + 257 * 0.01
    clock.seconds += 10
    assert left.film_left == pytest.approx(20.0 + whole)
    assert left.share == 0.0
    go_on(left, FIRST)
    assert left.film_left == pytest.approx(whole)


def test_a_loaded_model_is_not_loaded_again(clock: Clock) -> None:
    left = after(clock, StageStarted("loading text encoder"), work=KNOWN, waits=Waits(loading=30.0))
    assert left.film_left == 60 * 2.0 + 3 * 4.0


def test_joining_runs_down_and_is_measured(clock: Clock) -> None:
    left = after(clock, FilmResumed(3, 257), work=KNOWN, waits=Waits(joining=0.01))
    go_on(left, JOINING)
    clock.seconds += 1.0
    assert left.film_left == pytest.approx(1.57)
    assert left.share == pytest.approx(1 - 1.57 / (120 + 3 * 4 + 2.57))
    left.take({"event": "film_done"})
    assert left.film_left == 0.0
    assert left.measured == Waits(joining=1.0 / 257)


def test_a_resumed_window_starts_where_it_stopped(clock: Clock) -> None:
    left = after(clock, FilmResumed(1, 97), SECOND, WindowResumed(2, 15, 20), work=KNOWN)
    assert left.window_left == 5 * 2.0 + 4
    assert left.film_left == 25 * 2.0 + 2 * 4


def test_windows_of_another_size_cost_what_they_cost(clock: Clock) -> None:
    work = FilmWork([WindowWork(1, 20, 3.0, 6.0), WindowWork(1, 20, 1.0, 2.0)])
    left = after(clock, FIRST, *steps(20, 6.0), WindowDone(1, 120.0 + 12.0, 0), work=work)
    assert left.film_left == 20 * 2.0 + 2 * 2.0


def test_an_endless_film_has_windows_only(clock: Clock) -> None:
    left = after(clock, SECOND, *steps(5, 2.0, 2), work=FilmWork([WindowWork(1, 20, 1.0, 4.0)], endless=True))
    assert (left.window_left, left.film_left) == (15 * 2 + 8, None)


def test_waits_are_remembered_by_what_made_them(home: Path) -> None:
    assert known_waits("a") == NOT_KNOWN
    remember_waits("a", Waits(loading=9.0))
    remember_waits("a", Waits(joining=3.0))
    remember_waits("b", Waits(loading=4.0))
    assert known_waits("a") == Waits(loading=9.0, joining=3.0)
    assert known_waits("b") == Waits(loading=4.0)
    (home / "cache" / "waits.json").write_text("{", encoding="utf-8")
    assert known_waits("a") == NOT_KNOWN
