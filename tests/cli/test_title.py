"""Title, taskbar and bell."""

from __future__ import annotations

import io
import sys

import pytest

from skyreels_cli.cli.title import Title
from skyreels_cli.film.events import StepDone, WindowDone
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.output import Output
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

from .conftest import MODEL


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


def plan(**changes: object) -> Plan:
    facts = open_folder(MODEL, "golden")
    said = {"prompt": "x", "resolution": "80x48", "num_frames": 21, "base_num_frames": 13, "overlap_history": 5}
    recipe = complete(Draft.model_validate({**said, "inference_steps": 2, **changes}), facts)
    return make_plan(recipe, facts)


def test_title_and_taskbar_say_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    with Title(Output(), plan()) as title:
        title.take(StepDone(1, 0, 2, 1.0, 0, ()))
        title.take(StepDone(1, 1, 2, 1.0, 0, ()))
        title.take(WindowDone(1, 2.0, 0))
        title.take(StepDone(2, 1, 2, 1.0, 0, ()))
    assert terminal.getvalue() == (
        "\033[22;0t"
        "\033]0;25 % – skyreels\a\033]9;4;1;25\a"
        "\033]0;50 % – skyreels\a\033]9;4;1;50\a"
        "\033]0;100 % – skyreels\a\033]9;4;1;100\a"
        "\033]9;4;0\a\033[23;0t"
    )


def test_an_endless_film_has_no_percentage_and_a_bell_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    with Title(Output(), plan(num_frames=None, duration="inf"), bell=True) as title:
        title.take(StepDone(3, 0, 2, 1.0, 0, ()))
    assert "\033]0;window 3 – skyreels\a\033]9;4;3\a" in terminal.getvalue()
    assert terminal.getvalue().endswith("\033[23;0t\a")


@pytest.mark.parametrize("switch", ["quiet", "events"])
def test_scripts_get_none_of_it(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    terminal = terminal_of(monkeypatch)
    with Title(Output(**{switch: True}), plan(), bell=True) as title:
        title.take(StepDone(1, 0, 2, 1.0, 0, ()))
    assert terminal.getvalue() == ""
