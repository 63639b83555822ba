"""Title, taskbar and bell."""

from __future__ import annotations

import io
import sys

import pytest

from skyreels_cli.cli.pace import Pace
from skyreels_cli.cli.title import Title
from skyreels_cli.film.events import Event, StageStarted, StepDone, WindowDone, WindowStarted
from skyreels_cli.output import Output
from skyreels_cli.plan.work import FilmWork, WindowWork


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in stderr's place, in the test itself, for pytest puts its own there after the fixtures."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def pace(*, endless: bool = False) -> Pace:
    """A film of two windows of two steps, on a clock that stands still."""
    return Pace(FilmWork([WindowWork(2, 2)], endless=endless), now=lambda: 0.0)


def watch(pace: Pace, title: Title, *events: Event) -> None:
    for event in events:
        pace.take(event)
        title.tell()


def test_title_and_taskbar_say_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, film = terminal_of(monkeypatch), pace()
    with Title(Output(), film) as title:
        watch(film, title, StageStarted("loading VAE"), WindowStarted(1, 2, 2, 0, 13, "x"))
        watch(film, title, StepDone(1, 0, 2, 1.0, 0, ()), StepDone(1, 1, 2, 1.0, 0, ()), WindowDone(1, 2.0, 0))
        watch(film, title, WindowStarted(2, 2, 2, 13, 8, "x"), StepDone(2, 1, 2, 1.0, 0, ()))
    assert terminal.getvalue() == (
        "\033[22;0t"
        "\033]0;0 % – skyreels\a\033]9;4;1;0\a"
        "\033]0;25 % – skyreels\a\033]9;4;1;25\a"
        "\033]0;50 % – skyreels\a\033]9;4;1;50\a"
        "\033]0;99 % – skyreels\a\033]9;4;1;99\a"
        "\033]9;4;0\a\033[23;0t"
    )


def test_an_endless_film_has_no_percentage_and_a_bell_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, film = terminal_of(monkeypatch), pace(endless=True)
    with Title(Output(), film, bell=True) as title:
        watch(film, title, WindowStarted(3, None, 2, 0, 13, "x"))
    assert "\033]0;window 3 – skyreels\a\033]9;4;3\a" in terminal.getvalue()
    assert terminal.getvalue().endswith("\033[23;0t\a")


@pytest.mark.parametrize("switch", ["quiet", "events"])
def test_scripts_get_none_of_it(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    terminal, film = terminal_of(monkeypatch), pace()
    with Title(Output(**{switch: True}), film, bell=True) as title:
        watch(film, title, WindowStarted(1, 2, 2, 0, 13, "x"))
    assert terminal.getvalue() == ""
