from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from skyreels_cli.cli.pace import Pace
from skyreels_cli.cli.progress import LiveView, noise_line, progress, window_line
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
from skyreels_cli.film.waits import Waits
from skyreels_cli.output import Output, byte_size, clock, frame_range
from skyreels_cli.plan.work import FilmWork, WindowWork

GB = 1_000_000_000
WORK = FilmWork([WindowWork(3, 20)])
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
    pace = Pace(WORK, now=now or Clock())
    for event in events:
        pace.take(event)
    return pace


class TestPace:
    def test_a_resumed_film_counts_what_was_done_before(self) -> None:
        pace = pace_after(FilmResumed(1, 97), SECOND, StepDone(2, 9, 20, 2.0, GB, ()))
        assert (pace.steps_done, pace.time.film_left) == (30, 30 * 2)

    def test_a_resumed_window_starts_where_it_stopped(self) -> None:
        pace = pace_after(SECOND, WindowResumed(2, 12, 20))
        assert (pace.window_steps_done, pace.steps_done) == (12, 32)
        assert row(pace, 0).split()[:3] == ["window", "2/3", "12/20"]

    def test_while_a_window_is_decoded_its_frames_count(self) -> None:
        pace = pace_after(SECOND, *steps(20, 1.0, 2), StageStarted("decoding"), FramesReady(2, 97 + 41, 257))
        assert row(pace, 0).split() == ["window", "2/3", "41/80", "frames", "decoded", "0:00", "left"]

    def test_loading_and_joining_are_named_with_the_time_that_is_left(self) -> None:
        known = FilmWork([WindowWork(3, 20, 2.0)], known=True)
        loading = Pace(known, Waits(loading=7.0, joining=0.0), now=Clock())
        loading.take(StageStarted("loading transformer"))
        assert row(loading, 0).split()[1:] == ["loading", "transformer…", "about", "2:07", "left"]
        joining = pace_after(SECOND, *steps(20, 1.0, 2), WindowDone(2, 20.0, GB), StageStarted("joining"))
        assert row(joining, 2).split()[1:] == ["joining…"]


def row(pace: Pace, line: int) -> str:
    """A line of the live view without its bar."""
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(LiveView(pace, console).render())
    return re.sub("[━╸╺]+", "", console.file.getvalue().splitlines()[line])  # type: ignore[attr-defined]


def test_a_finished_window_is_one_line() -> None:
    pace = pace_after(SECOND, *steps(1, 1.5, 2), *steps(1, 1.54, 2))
    expected = "window 2/3  frames 98–177  20 steps  1.52 s/step  peak 8.1 GB"
    assert window_line(pace, WindowDone(2, 40.0, 81 * GB // 10)) == expected
    decoded_only = pace_after(SECOND, WindowResumed(2, 20, 20))
    assert window_line(decoded_only, WindowDone(2, 4.0, GB)) == "window 2/3  frames 98–177  20 steps  peak 1.0 GB"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (FilmResumed(2, 177), "going on with an interrupted film: 177 frames are done"),
        (FilmResumed(0, 0), "going on with an interrupted film"),
    ],
)
def test_a_resumed_film_says_what_is_kept(event: FilmResumed, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with progress(Output(), Pace(WORK)) as listen:
        listen(event)
    assert capsys.readouterr().err == f"{line}\n"


def test_live_view_fits_80_columns() -> None:
    pace = pace_after(SECOND, *steps(5, 100.25, 2, (0.0, 0.5, 1.0)), StageStarted("loading VAE"))
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(LiveView(pace, console).render())
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [re.split("[━╸╺]+", line)[0].split() for line in lines] == [
        ["window", "2/3"],
        ["film"],
        ["noise", "▁▅█"],
        [lines[3].split()[0], "loading", "VAE…"],
    ]
    assert re.split("[━╸╺]+", lines[0])[-1].split() == ["5/20", "100.25", "s/step", "25:04", "left"]
    assert re.split("[━╸╺]+", lines[1])[-1].split() == ["41", "%", "peak", "8.0", "GB", "58:29", "left"]
    assert max(map(len, lines)) <= 77


def test_the_staircase_of_diffusion_forcing() -> None:
    assert noise_line((0.0, 0.14, 0.43, 0.86, 1.0)) == "▁▂▄▇█"


def watch(out: Output) -> None:
    with progress(out, Pace(WORK)) as listen:
        for event in (
            StageStarted("loading"),
            FIRST,
            *steps(20, 1.5),
            StageStarted("loading"),
            WindowDone(2, 40.0, 8 * GB),
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
