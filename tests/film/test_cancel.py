"""Stopping a film: within one step, with nothing half-written left, whatever it was doing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.film.events import Event, FilmDone, FramesReady, StepDone
from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.vae import VideoDecoder

GOLDEN = Path(__file__).parents[1] / "golden"
Film = Callable[..., Iterator[Event]]


class Calls:
    """Counts calls of a method and has Ctrl-C arrive during one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> None:
        self.count = 0
        self.interrupted: int | None = None
        original = getattr(owner, method)

        def counting(instance: Any, *args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.interrupted:
                raise KeyboardInterrupt
            return original(instance, *args, **kwargs)

        monkeypatch.setattr(owner, method, counting)


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch, Transformer, "forward")


def close_at(events: Iterator[Event], kind: type[Event], number: int) -> None:
    """Take events up to the `number`-th of a kind, then close the generator."""
    for event in events:
        number -= isinstance(event, kind)
        if number == 0:
            break
    events.close()  # type: ignore[attr-defined]


def assert_nothing_half_written(output: Path) -> None:
    """No film and no sidecar, and every file of the work folder under its final name."""
    assert [path.name for path in output.parent.glob("film*")] == [work_folder(output).name]
    names = [path.name for path in work_folder(output).iterdir()]
    assert not [name for name in names if name.startswith(".") or ".partial" in name]


@pytest.mark.parametrize(("steps", "guidance"), [(1, 1.0), (3, 1.0), (5, 4.0)])
def test_closing_stops_at_the_step(film: Film, forwards: Calls, tmp_path: Path, steps: int, guidance: float) -> None:
    close_at(film(guidance_scale=guidance), StepDone, steps)
    assert forwards.count == steps * (2 if guidance > 1 else 1)
    assert_nothing_half_written(tmp_path / "film.mkv")


def test_closing_while_frames_leave(film: Film, forwards: Calls, tmp_path: Path) -> None:
    close_at(film(), FramesReady, 2)
    assert forwards.count == 3
    assert_nothing_half_written(tmp_path / "film.mkv")


@pytest.mark.parametrize("during", [2, 4])
def test_ctrl_c_in_the_middle_of_a_step(film: Film, forwards: Calls, tmp_path: Path, during: int) -> None:
    forwards.interrupted = during
    with pytest.raises(KeyboardInterrupt):
        list(film())
    assert forwards.count == during
    assert_nothing_half_written(tmp_path / "film.mkv")
    done = list(film())[-1]
    assert isinstance(done, FilmDone)
    assert done.frames == 21


def test_ctrl_c_while_decoding(film: Film, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    decoded = Calls(monkeypatch, VideoDecoder, "_decode_one")
    decoded.interrupted = 3
    with pytest.raises(KeyboardInterrupt):
        list(film())
    assert_nothing_half_written(tmp_path / "film.mkv")
    assert list(film())[-1].frames == 21  # type: ignore[attr-defined]


def test_before_the_first_step_nothing_is_computed(film: Film, forwards: Calls, tmp_path: Path) -> None:
    events = film()
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert forwards.count == 0
    assert not (tmp_path / "film.mkv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
def test_ctrl_c_at_the_command_line(tmp_path: Path) -> None:
    output = tmp_path / "film.mkv"
    line = ["generate", "a red ball", "--model", str(GOLDEN / "model"), "--resolution", "80x48", "--num-frames", "13"]
    line += ["--inference-steps", "1000", "--device", "cpu", "--codec", "ffv1", "-o", str(output), "--events"]
    with subprocess.Popen(
        [sys.executable, "-m", "skyreels_cli", *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for told in process.stdout:
            if json.loads(told).get("event") == "step_done":
                break
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=300)
    envelope = json.loads(rest.splitlines()[-1])
    assert process.returncode == 130
    assert envelope["error"]["code"] == "interrupted"
    assert "resume" in envelope["error"]["hint"]
    assert_nothing_half_written(output)
