"""Accidents of an ordinary day, with real processes: what the user sees, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .terminal import ROOT, command, environment

MODEL = str(ROOT / "tests" / "golden" / "model")
SMALL = ("--model", MODEL, "--resolution", "80x48", "--num-frames", "17", "--inference-steps", "2", "--seed", "1")
PLAN = ("generate", "a ball", *SMALL, "--dry-run")
HOMELESS = """
import os, pwd, sys
def nobody(*_):
    raise KeyError("no such account")
pwd.getpwuid = pwd.getpwnam = nobody
os.environ.pop("HOME", None)
from skyreels_cli.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYREELS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def shell(line: str, *words: str | bytes, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """A line of shell in which `"$@"` is `skyreels` and the words."""
    arguments = [word if isinstance(word, bytes) else word.encode() for word in (*command(), *words)]
    return subprocess.run(
        [b"bash", b"-c", line.encode(), b"bash", *arguments],
        input=stdin,
        env=environment(**env),
        capture_output=True,
        timeout=120,
        check=False,
    )


STREAMS = {
    "stdout is a full disk": ('"$@" > /dev/full', "warning: what belongs on stdout could not be written: No space"),
    "stdout is closed": ('"$@" >&-', ""),
    "stderr is a full disk": ('"$@" 2> /dev/full', ""),
    "both are closed": ('"$@" >&- 2>&-', ""),
    "all three are closed": ('"$@" <&- >&- 2>&-', ""),
    "the reader is gone": ('set -o pipefail; "$@" | true', ""),
}


@pytest.mark.parametrize("accident", STREAMS)
def test_output_that_cannot_be_written_changes_no_exit_code(accident: str) -> None:
    line, said = STREAMS[accident]
    ran = shell(line, *PLAN, "--explain")
    assert ran.returncode == 0, ran.stderr
    assert said in ran.stderr.decode()
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr


def test_a_stream_that_another_program_has_made_non_blocking_gets_everything() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    said = b""
    with subprocess.Popen(command("config", "schema", "--json"), stdout=write, env=environment()) as process:
        os.close(write)
        while chunk := os.read(read, 512):
            said += chunk
    os.close(read)
    assert (process.returncode, said[-2:]) == (0, b"}\n")


LOCALES = {
    "ASCII": ({"PYTHONIOENCODING": "ascii"}, "17 frames, 80x48, 24 fps, 0.7 s -> \\xe9.mp4"),
    "LC_ALL=C": ({"LC_ALL": "C"}, "17 frames, 80×48, 24 fps, 0.7 s → é.mp4"),
    "no UTF-8 mode": ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, None),
}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_terminal_that_cannot_show_every_character_shows_stand_ins(locale: str) -> None:
    env, first_line = LOCALES[locale]
    ran = shell('"$@"', *PLAN, "-o", "é.mp4", **env)
    if first_line is None:  # the name itself cannot be read there
        assert (ran.returncode, ran.stderr.splitlines()[0]) == (
            2,
            b"error: '\\xc3\\xa9.mp4' is no text in the encoding of this terminal",
        )
    else:
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.decode().splitlines()[0] == first_line


REFUSED: dict[str, tuple[str, tuple[str | bytes, ...], bytes, str]] = {
    "a name that is no text": ('"$@"', (*PLAN, "-o", b"caf\xe9.mp4"), b"", "'caf\\xe9.mp4' is no text in the encoding"),
    "a prompt that is no text": ('"$@"', ("generate", b"caf\xe9"), b"", "'caf\\xe9' is no text in the encoding"),
    "no text on stdin": (
        '"$@"',
        ("generate", "-"),
        b"caf\xe9",
        "the prompt on stdin cannot be read",
    ),
    "a prompt of 6 MB": ('"$@"', ("generate", "-"), b"a" * 6_000_000, "the prompt on stdin is longer than 20,000"),
    "no stdin": ('"$@" <&-', ("generate", "-"), b"", "there is no prompt"),
    "a prompt with a dash": ('"$@"', ("generate", "-a dog runs"), b"", "a prompt that begins with a dash"),
    "a home that nobody has": ('"$@"', (*PLAN, "-o", "~nobody-at-all/x.mp4"), b"", "~nobody-at-all is nobody's home"),
    "a folder that is gone": (
        'mkdir d; cd d; rmdir ../d; "$@"',
        PLAN,
        b"",
        "the folder that you are in",
    ),
    "more frames than there can be": ('"$@"', ("generate", "x", "--num-frames", "9" * 30), b"", "--num-frames: 9999"),
    "longer than there can be": ('"$@"', ("generate", "x", "--duration", "9" * 400), b"", "duration '9999"),
}


@pytest.mark.parametrize("accident", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line_before_anything_is_loaded(accident: str) -> None:
    line, words, stdin, said = REFUSED[accident]
    ran = shell(line, *words, stdin=stdin)
    errors = [line for line in ran.stderr.decode().splitlines() if line.startswith("error: ")]
    assert (ran.returncode, len(errors)) == (2, 1), ran.stderr
    assert errors[0].startswith(f"error: {said}")
    assert len(errors[0]) < 200
    assert b"internal error" not in ran.stderr


def test_an_account_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYREELS_HOME")
    for words in (("queue", "list"), PLAN):
        ran = subprocess.run(
            [sys.executable, "-c", HOMELESS, *words], env=environment(), capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr.count("error:")) == (2, 1), ran.stderr
        assert "this account has no home folder: set SKYREELS_HOME" in ran.stderr


def test_with_skyreels_home_it_needs_none(tmp_path: Path) -> None:
    for words in (("queue", "list"), PLAN):
        ran = subprocess.run(
            [sys.executable, "-c", HOMELESS, *words], env=environment(), capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "~").exists()


def test_a_render_outlives_its_streams_and_the_same_command_again_succeeds(tmp_path: Path) -> None:
    film = ("generate", "a ball", *SMALL, "-o", "x.mp4")
    ran = shell('"$@" > /dev/full 2> /dev/full', *film)
    assert (ran.returncode, (tmp_path / "x.mp4").is_file()) == (0, True)
    made = (tmp_path / "x.mp4").read_bytes()
    again = shell('"$@"', *film)
    assert (again.returncode, again.stdout) == (0, b"x.mp4\n")
    assert b"x.mp4 is finished already, of the same recipe and model" in again.stderr
    (tmp_path / "x.mp4.json").unlink()  # sites and mail strip what lies beside; the tag says as much
    assert shell('"$@"', *film).returncode == 0
    assert shell('"$@"', "resume", "x.mp4").returncode == 0
    other = shell('"$@"', *film, "--shift", "3")
    assert (other.returncode, other.stderr.splitlines()[0]) == (2, b"error: x.mp4 exists already")
    assert (tmp_path / "x.mp4").read_bytes() == made


DAY_LONG = [(("--duration", "24h"), 25_920), (("--num-frames", "1000000000"), 12_500_000)]
"""A length, and its windows of 97 frames that share 17 with the next: the first adds 97 frames, each other one 80."""
DISK = "import shutil, sys; shutil.disk_usage = lambda _: shutil._ntuple_diskusage(10**15, 0, 10**15)\n"
"""A billion frames take a terabyte."""
PEAK = "\nimport re; print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
COMMAND = f"{DISK}from skyreels_cli.cli.main import main; status = main(sys.argv[1:]){PEAK}; sys.exit(status)"
FORM = f"""{DISK}
from skyreels_cli.tui.app import Monitor
from skyreels_cli.tui.plan_text import plan_lines
from skyreels_cli.tui.proposal import propose, start_from
_, model, name, value = sys.argv
typed = dict(prompt="x", model=model, resolution="80x48", **dict([(name.strip("-").replace("-", "_"), value)]))
job = propose(start_from(dict()), typed)
print(*plan_lines(job.plan), sep="\\n"){PEAK}
"""


def lines_in_little_memory(script: str, *words: str, folder: Path) -> list[str]:
    """What a Python program prints that has never taken more than 150 MB."""
    ran = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stderr.splitlines()[-1]) < 150_000  # kB; ru_maxrss of a child counts its parent's memory
    return ran.stdout.splitlines()


@pytest.mark.parametrize(("length", "windows"), DAY_LONG)
def test_a_day_of_film_is_planned_in_no_more_memory_than_a_second(
    length: tuple[str, str], windows: int, tmp_path: Path
) -> None:
    words = ("generate", "x", "--model", MODEL, "--resolution", "80x48", *length, "--dry-run")
    lines = lines_in_little_memory(COMMAND, *words, folder=tmp_path)
    assert len(lines) < 80
    assert f"/{windows} " in "\n".join(lines)


@pytest.mark.parametrize(("length", "windows"), DAY_LONG)
def test_a_day_of_film_is_queued_and_shown_in_no_more_memory_than_a_second(
    length: tuple[str, str], windows: int, tmp_path: Path
) -> None:
    words = ("queue", "add", "x", "--model", MODEL, "--resolution", "80x48", *length, "-q")
    (number,) = lines_in_little_memory(COMMAND, *words, folder=tmp_path)
    shown = lines_in_little_memory(COMMAND, "queue", "show", number, "--json", folder=tmp_path)
    plan = json.loads(shown[-1])["data"]["plan"]
    assert sum(window["count"] for window in plan["windows"]) == windows
    assert len(plan["windows"]) < 10


@pytest.mark.parametrize(("length", "windows"), DAY_LONG)
def test_a_day_of_film_is_planned_by_the_form_in_no_more_memory_than_a_second(
    length: tuple[str, str], windows: int, tmp_path: Path
) -> None:
    lines = lines_in_little_memory(FORM, MODEL, *length, folder=tmp_path)
    assert len(lines) < 20
    assert f"{windows} windows" in lines[1]
