from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skyreels_cli import __version__

from .conftest import MODEL, Ran

Run = Callable[..., Ran]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (["--bogus"], "no such option: --bogus", "skyreels --help"),
        (["gnerate"], "no such command 'gnerate'. Did you mean 'generate'?", "skyreels --help"),
        (
            ["generate", "--nm_frames", "3"],
            'no such option: --nm-frames; did you mean "--num-frames"?',
            "skyreels generate --num-frames 3 --json",
        ),
        (
            ["generate", "--codec", "ffv"],
            "invalid value for '--codec': 'ffv' is not one of 'h264', 'h265', 'av1', 'ffv1'; did you mean",
            "skyreels generate --help",
        ),
        (["preset", "shw"], "no such command 'shw'. Did you mean 'show'?", "skyreels preset --help"),
        (["models"], "missing command", "skyreels models --help"),
        ([], "no command given", "skyreels --help"),
    ],
)
def test_a_line_that_cannot_be_parsed(run: Run, line: list[str], message: str, hint: str) -> None:
    ran = run(*line, "--json")
    assert ran.status == 2
    assert len(ran.out.splitlines()) == 1
    error = ran.envelope["error"]
    assert error["code"] == "usage"
    assert error["message"].startswith(message)
    assert error["hint"] == hint
    assert ran.err.splitlines()[0] == f"error: {error['message']}"


def test_the_envelope_of_a_bad_line_names_its_command(run: Run) -> None:
    assert run("generate", "--bogus", "--json").envelope["command"] == "generate"
    assert run("preset", "list", "--bogus", "--json").envelope["command"] == "preset list"


def test_without_json_nothing_is_on_stdout(run: Run) -> None:
    ran = run("generate", "--seed", "one")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[1] == "hint: skyreels generate --help"


def test_bare_it_prints_help(run: Run) -> None:
    ran = run()
    assert ran.status == 0
    assert "generate" in ran.out


def test_version(run: Run) -> None:
    assert run("--version").out == f"skyreels {__version__}\n"


def test_the_shell_completes_commands_and_presets() -> None:
    completed = shell_completion("skyreels generate --preset 10", 3)
    assert completed.split() == ["10s-async", "10s-sync"]
    assert shell_completion("skyreels gen", 1).split() == ["generate"]
    assert shell_completion("skyreels generate --codec h", 3).split() == ["h264", "h265"]


def shell_completion(words: str, position: int) -> str:
    variables = {"_SKYREELS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    return python_m_skyreels(variables=variables).stdout


def python_m_skyreels(*args: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}
    command = [sys.executable, "-m", "skyreels_cli", *args]
    return subprocess.run(
        command, env=environment | (variables or {}), capture_output=True, text=True, check=False, timeout=300
    )


def test_a_reader_that_is_gone_changes_no_exit_code() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [
        sys.executable,
        "-m",
        "skyreels_cli",
        "generate",
        "x",
        "--model",
        str(MODEL),
        "--dry-run",
        "--json",
    ]
    with os.fdopen(write_end) as closed:
        ran = subprocess.run(
            [*command, "--resolution", "80x48"],
            cwd=ROOT,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=300,
        )
    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
