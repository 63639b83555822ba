from __future__ import annotations

import json
from typing import Any

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
from skyreels_cli.queue.progress import Progress

WORK = {"known": False, "cached": False, "runs": [[1, 30, 1.0, 5.0, 0, 97], [1, 40, 1.0, 5.0, 17, 80]]}
PLAN = {"frames": 177, "total_rows": 70, "windows": [{"rows": 30}, {"rows": 40}], "work": WORK, "denoise_flops": 7e12}


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(PLAN, now=clock)


def take(progress: Progress, *events: Event) -> dict[str, Any]:
    for event in events:
        progress.take(event.to_dict())
    return progress.to_dict()


def step(window: int, row: int, seconds: float, noise: tuple[float, ...] = (0.0, 0.5)) -> StepDone:
    return StepDone(window, row, (30, 40)[window - 1], seconds, 8 * 10**9, noise)


def test_at_the_start(progress: Progress) -> None:
    state = progress.to_dict()
    assert (state["steps_done"], state["total_steps"], state["total_frames"]) == (0, 70, 177)
    assert (state["step_seconds"], state["seconds_left"], state["windows"]) == (None, None, 0)
    assert json.loads(json.dumps(state)) == state


def test_a_film_step_by_step(progress: Progress, clock: Clock) -> None:
    assert take(progress, StageStarted("loading transformer"))["stage"] == "loading transformer"
    first = take(progress, WindowStarted(1, 2, 30, 0, 97, "a ball"), step(1, 0, 2.0))
    assert (first["stage"], first["window"], first["windows"], first["step"], first["steps"]) == ("", 1, 2, 1, 30)
    assert (first["noise"], first["prompt"], first["peak_memory_bytes"]) == ([0.0, 0.5], "a ball", 8 * 10**9)
    assert (first["steps_done"], first["step_seconds"], first["seconds_left"]) == (1, 2.0, 138.0 + 2 * 10.0)
    clock.seconds += 1.5
    assert progress.to_dict()["seconds_left"] == 136.5 + 2 * 10.0
    assert progress.to_dict()["elapsed_s"] == 1.5
    done = take(progress, FramesReady(1, 97, 177), WindowDone(1, 12.0, 9 * 10**9))
    assert (done["frames"], done["peak_memory_bytes"]) == (97, 9 * 10**9)
    (window,) = done["windows_done"]
    assert {name: window[name] for name in ("window", "seconds", "peak_memory_bytes")} == {
        "window": 1,
        "seconds": 12.0,
        "peak_memory_bytes": 9 * 10**9,
    }
    second = take(progress, WindowStarted(2, 2, 40, 97, 80, "a ball"), step(2, 0, 4.0))
    assert (second["steps_done"], second["step"], second["step_seconds"]) == (31, 1, 4.0), "the first one warms up"
    assert second["seconds_left"] == 39 * 4.0 + 10.0
    assert progress.step_seconds == 3.0
    assert progress.flops_per_second == pytest.approx(7e12 * 2 / 70 / 6.0)


def test_a_resumed_film_counts_what_is_kept(progress: Progress) -> None:
    state = take(progress, FilmResumed(1, 97))
    assert (state["steps_done"], state["frames"]) == (30, 97)
    assert take(progress, WindowStarted(2, 2, 40, 97, 80, ""), step(2, 25, 1.0))["steps_done"] == 56


def test_windows_of_earlier_attempts_are_remembered_if_the_film_goes_on(clock: Clock) -> None:
    earlier = [{"window": 1, "drift": {"luma": 0.0}}, {"window": 2, "drift": {"luma": 0.1}}]
    progress = Progress(PLAN, earlier, now=clock)
    assert progress.to_dict()["windows_done"] == []
    assert take(progress, FilmResumed(1, 97))["windows_done"] == earlier[:1]


def test_only_recent_steps_make_the_pace(progress: Progress) -> None:
    steps = [step(1, row, 9.0 if row < 5 else 1.0) for row in range(30)] + [step(2, row, 1.0) for row in range(5)]
    assert take(progress, WindowStarted(1, 2, 30, 0, 97, ""), *steps)["step_seconds"] == 1.0


def test_a_resumed_window_starts_where_it_stopped(progress: Progress) -> None:
    state = take(progress, FilmResumed(1, 97), WindowStarted(2, 2, 40, 97, 80, ""), WindowResumed(2, 25, 40))
    assert (state["step"], state["steps"], state["steps_done"], state["share"]) == (25, 40, 55, 55 / 70)


def test_drift_and_whatever_else_a_window_tells_is_passed_on(progress: Progress) -> None:
    drift = {"luma": 1.02, "saturation": 0.97}
    progress.take(
        {"event": "window_done", "job": 3, "window": 1, "seconds": 1.0, "peak_memory_bytes": 1, "drift": drift}
    )
    progress.take({"event": "something_new", "job": 3})
    assert progress.to_dict()["windows_done"][0]["drift"] == drift


def test_memory_over_time(progress: Progress, clock: Clock) -> None:
    for used in (10, 20, 30):
        progress.take_memory(used)
        clock.seconds += 2.6
    assert progress.to_dict()["memory"] == [10, 30]
