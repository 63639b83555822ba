from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from skyreels_cli.cli.pace import Pace
from skyreels_cli.cli.progress import LiveView, noise_line, progress, window_line
from skyreels_cli.film.events import Event, FilmResumed, StageStarted, StepDone, WindowDone, WindowStarted
from skyreels_cli.output import Output, byte_size, clock, frame_range
from skyreels_cli.plan.rows import RowCounts

GB = 1_000_000_000
FIRST = WindowStarted(1, 3, 20, 0, 97, "x")
SECOND = WindowStarted(2, 3, 20, 97, 80, "x")


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def steps(count: int, seconds: float, window: int = 1, noise: tuple[float, ...] = ()) -> list[StepDone]:
    """The first rows of a window, each of them taking so long."""
    return [StepDone(window, row, 20, seconds, 8 * GB, noise) for row in range(count)]


def pace_after(*events: Event, now: Clock | None = None) -> Pace:
    pace = Pace(RowCounts([(3, 20)]), now or Clock())
    for event in events:
        pace.take(event)
    return pace


class TestPace:
    def test_nothing_is_known_before_the_first_step(self) -> None:
        pace = pace_after(StageStarted("loading"), FIRST)
        assert (pace.stage, pace.step_seconds, pace.window_left, pace.film_left) == ("", None, None, None)

    def test_time_left_of_window_and_film(self) -> None:
        pace = pace_after(FIRST, *steps(5, 2.0))
        assert pace.window_left == 15 * 2
        assert pace.film_left == 55 * 2

    def test_time_left_runs_down_between_steps_but_not_past_one(self) -> None:
        now = Clock()
        pace = pace_after(FIRST, *steps(5, 2.0), now=now)
        now.seconds += 1.5
        assert pace.window_left == 15 * 2 - 1.5
        now.seconds += 60
        assert pace.window_left == 14 * 2

    def test_decoding_is_counted_once_it_is_known(self) -> None:
        pace = pace_after(FIRST, *steps(20, 2.0), WindowDone(1, 40 + 7, 9 * GB), SECOND, *steps(1, 2.0, 2))
        assert pace.film_left == 39 * 2 + 2 * 7
        assert pace.peak_memory_bytes == 9 * GB

    def test_speed_follows_the_recent_steps(self) -> None:
        assert pace_after(FIRST, *steps(10, 1.0), *steps(10, 3.0)).step_seconds == 3.0
        assert pace_after(FIRST, *steps(10, 1.0), *steps(10, 3.0)).window_step_seconds == 2.0

    def test_a_resumed_film_counts_what_was_done_before(self) -> None:
        pace = pace_after(FilmResumed(1, 97), SECOND, StepDone(2, 9, 20, 2.0, GB, ()))
        assert (pace.steps_done, pace.window_left, pace.film_left) == (30, 20, 60)


def test_a_finished_window_is_one_line() -> None:
    pace = pace_after(SECOND, *steps(1, 1.5, 1), *steps(1, 1.54, 1))
    expected = "window 2/3  frames 98–177  20 steps  1.52 s/step  peak 8.1 GB"
    assert window_line(pace, WindowDone(2, 40.0, 81 * GB // 10)) == expected


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (FilmResumed(2, 177), "going on with an interrupted film: 177 frames are done"),
        (FilmResumed(0, 0), "going on with an interrupted film"),
    ],
)
def test_a_resumed_film_says_what_is_kept(event: FilmResumed, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with progress(Output(), RowCounts([(3, 20)])) as listen:
        listen(event)
    assert capsys.readouterr().err == f"{line}\n"


def test_live_view_fits_80_columns() -> None:
    pace = pace_after(SECOND, *steps(5, 100.25, 1, (0.0, 0.5, 1.0)), StageStarted("decoding"))
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(LiveView(pace, console).render())
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [re.split("[━╸╺]+", line)[0].split() for line in lines] == [
        ["window", "2/3"],
        ["film"],
        ["noise", "▁▅█"],
        [lines[3].split()[0], "decoding…"],
    ]
    assert re.split("[━╸╺]+", lines[0])[-1].split() == ["5/20", "100.25", "s/step", "25:04", "left"]
    assert re.split("[━╸╺]+", lines[1])[-1].split() == ["41", "%", "peak", "8.0", "GB", "58:29", "left"]
    assert max(map(len, lines)) <= 77


def test_the_staircase_of_diffusion_forcing() -> None:
    assert noise_line((0.0, 0.14, 0.43, 0.86, 1.0)) == "▁▂▄▇█"


def watch(out: Output) -> None:
    with progress(out, RowCounts([(3, 20)])) as listen:
        for event in (
            StageStarted("loading"),
            FIRST,
            *steps(20, 1.5),
            StageStarted("loading"),
            WindowDone(1, 40.0, 8 * GB),
        ):
            listen(event)


def test_without_a_terminal_one_line_per_stage_and_window(capsys: pytest.CaptureFixture[str]) -> None:
    watch(Output())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "loading…",
        "window 1/3  frames 1–97  20 steps  1.50 s/step  peak 8.0 GB",
    ]


@pytest.mark.parametrize("out", [Output(quiet=True), Output(events=True)], ids=["quiet", "events"])
def test_nothing_where_nobody_watches(out: Output, capsys: pytest.CaptureFixture[str]) -> None:
    watch(out)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_display_moves_and_is_wiped_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    watch(Output())
    written = terminal.getvalue()
    assert "window 1/3  frames 1–97  20 steps  1.50 s/step  peak 8.0 GB" in written
    assert written.endswith("\x1b[2K"), "the last thing is that a line is erased"


@pytest.mark.parametrize(
    ("size", "text"),
    [(8.1e9, "8.1 GB"), (1.234e12, "1,234.0 GB"), (999e6, "1.0 GB"), (740e6, "740 MB"), (1300, "1 kB")],
)
def test_byte_size(size: float, text: str) -> None:
    assert byte_size(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (27, "0:27"), (59.6, "1:00"), (6310, "1:45:10")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_frames_are_counted_from_one() -> None:
    assert frame_range(97, 80) == "98–177"
