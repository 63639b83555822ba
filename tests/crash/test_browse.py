"""`skyreels show FILM --browse` on a terminal: keys lead to frames, and the terminal is left as it was."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.cli.browse import FrameSteps
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder

from .terminal import PATIENCE, Terminal, environment

LEVELS = np.arange(20, dtype=np.uint8) * 12
LEFT, RIGHT, UP, DOWN, HOME, END = (f"\x1b[{letter}" for letter in "DCABHF")


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """20 grey frames, each of another level; of two windows, and of 4 frames of a video before them."""
    monkeypatch.setenv("SKYREELS_HOME", str(tmp_path / "home"))
    path = tmp_path / "film.mkv"
    with VideoEncoder(path, width=80, height=48, fps=24, coding=film_coding("ffv1", 7)) as encoder:
        encoder.write(np.broadcast_to(LEVELS[:, None, None, None], (20, 48, 80, 3)).copy())
    plan = {"frames": 16, "windows": [{"first_frame": 0}, {"first_frame": 9}]}
    path.with_name("film.mkv.json").write_text(json.dumps({"recipe": {"prompt": "x"}, "plan": plan}))
    return path


def shown(terminal: Terminal) -> list[tuple[int, int]]:
    """What has been drawn so far: the numbers of frames as they are called, and the grey of their first cell."""
    drawn = terminal.said.split(b"\x1b[H\x1b[2J")[1:]
    number = (re.search(rb"frame (\d+) of 20, 0:0\d, window \d/2", part) for part in drawn)
    grey = (re.search(rb"38;2;(\d+);\1;\1;", part) for part in drawn)
    return [(int(n[1]), int(g[1])) for n, g in zip(number, grey, strict=True) if n and g]


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_keys_lead_to_frames(film: Path) -> None:
    terminal = Terminal(("show", str(film), "--browse"), film.parent, environment(COLORTERM="truecolor"))
    terminal.until("frame 1 of 20")
    for key, number in ((RIGHT, 2), (DOWN, 5), (DOWN, 14), (LEFT, 13), (UP, 5), (END, 20), (HOME, 1), (".", 5)):
        terminal.type(key)
        wait_for(lambda wanted=number: shown(terminal)[-1][0] == wanted)  # type: ignore[misc]
    assert shown(terminal) == [(n, LEVELS[n - 1]) for n in (1, 2, 5, 14, 13, 5, 20, 1, 5)]
    terminal.type(f"{RIGHT}{RIGHT}xq")  # at once: all of them count
    assert terminal.process.wait(30) == 0
    terminal.until("frame 7; to keep it: skyreels show")
    assert terminal.said.split()[-4:] == [b"--frame", b"7", b"-o", b"frame-7.png"]
    assert terminal.unrestored() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(film: Path, number: signal.Signals) -> None:
    terminal = Terminal(("films", "show", str(film), "--browse"), film.parent)
    terminal.until("frame 1 of 20")
    assert terminal.end(number) == 130
    assert terminal.unrestored() == []


def test_the_ends_are_ends() -> None:
    steps = FrameSteps(19, [4, 13])
    assert [steps.after(key, 0) for key in (LEFT, UP, "x", "\x1bOC")] == [0, 0, 0, 1]
    assert [steps.after(key, 19) for key in (RIGHT, DOWN, UP, "\x1b[1~")] == [19, 19, 13, 0]
