from __future__ import annotations

import io
import json
import sys

import pytest

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.output import Output, causes, colourful


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_on_stderr(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A capable terminal; called within the test, as pytest puts its own stderr in place before it."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def chained() -> SkyreelsError:
    try:
        try:
            raise OSError("no route to host")
        except OSError as broken:
            raise UsageError("a-code", "cannot fetch it", "try --offline") from broken
    except UsageError as error:
        return error


def test_failure_is_an_error_its_cause_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    Output().failure(chained())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: cannot fetch it\n  cause: no route to host\nhint: try --offline\n"


def test_failure_as_an_envelope(capsys: pytest.CaptureFixture[str]) -> None:
    Output(command="show", json=True).failure(chained())
    assert json.loads(capsys.readouterr().out) == {
        "skyreels": 1,
        "command": "show",
        "ok": False,
        "data": None,
        "error": {"code": "a-code", "message": "cannot fetch it", "hint": "try --offline"},
    }


def test_a_cause_that_the_message_already_tells_is_left_out() -> None:
    error = UsageError("a-code", "cannot fetch it: no route to host")
    error.__cause__ = OSError("no route to host")
    assert list(causes(error)) == []


def test_one_envelope_even_when_something_fails_behind_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=True)
    out.result({"id": 1}, "1")
    out.failure(UsageError("late", "too late"))
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["ok"] for line in lines] == [True]


def test_traceback_only_for_those_who_debug(capsys: pytest.CaptureFixture[str]) -> None:
    Output(debug=True).failure(chained())
    assert "Traceback" in capsys.readouterr().err
    Output(verbose=True).failure(chained())
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        (Output(), "told\nwarning: beware\n"),
        (Output(verbose=True), "told\ndetail\nwarning: beware\n"),
        (Output(quiet=True, verbose=True), ""),
        (Output(json=True), "told\nwarning: beware\n"),
    ],
    ids=["plain", "verbose", "quiet", "json"],
)
def test_narration(out: Output, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    out.narrate("told")
    out.detail("detail")
    out.warning("beware")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", expected)


def test_result_in_every_mode(capsys: pytest.CaptureFixture[str]) -> None:
    for out, expected in (
        (Output(), "for people\n"),
        (Output(quiet=True), "7\n"),
        (
            Output(json=True, quiet=True),
            '{"skyreels": 1, "command": "", "ok": true, "data": {"id": 7}, "error": null}\n',
        ),
    ):
        out.result({"id": 7}, "7", lambda: "for people")
        assert capsys.readouterr().out == expected


def test_square_brackets_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    Output().result({}, "", lambda: "a [red] ball :smile:")
    assert capsys.readouterr().out == "a [red] ball :smile:\n"


def test_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_on_stderr(monkeypatch)
    Output().warning("beware")
    assert terminal.getvalue() == "\033[1;33mwarning:\033[0m beware\n"
    assert Output().animated
    assert not Output(quiet=True).animated
    assert not Output(events=True).animated


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    terminal = terminal_on_stderr(monkeypatch)
    assert colourful(terminal)
    monkeypatch.setenv(name, value)
    assert not colourful(terminal)
    Output().warning("beware")
    assert terminal.getvalue() == "warning: beware\n"
    Output().console().print("[bold]x", style="bold red")
    assert "\033" not in terminal.getvalue()
    assert not Output().animated


def test_a_pipe_has_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    Output().console(sys.stdout).print("x", style="bold red")
    assert capsys.readouterr().out == "x\n"
