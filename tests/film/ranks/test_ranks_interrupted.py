"""`skyreels generate --gpus 2` as a person runs it: Ctrl-C reaches every process of the terminal, and the queue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from skyreels_cli.media.reader import read_frames

MODEL = Path(__file__).parents[2] / "golden" / "model"
FILM = ["a red ball", "--model", str(MODEL), "--resolution", "64x48", "--num-frames", "13", "--base-num-frames", "13"]
FILM += ["--overlap-history", "5", "--seed", "7", "--inference-steps", "8", "--guidance-scale", "3", "--device", "cpu"]
FILM += ["--dtype", "float32", "--codec", "ffv1"]


def skyreels(*args: str) -> list[dict[str, Any]]:
    """The events of a command, its envelope last."""
    ran = subprocess.run([sys.executable, "-m", "skyreels_cli", *args], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.slow
def test_ctrl_c_stops_all_within_a_step_and_the_film_goes_on_alone(tmp_path: Path) -> None:
    stopped, calm = tmp_path / "stopped.mkv", tmp_path / "calm.mkv"
    line = [sys.executable, "-m", "skyreels_cli", "generate", *FILM, "--gpus", "2", "-o", str(stopped), "--events"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    rows, ranks = 0, []
    for text in process.stdout:
        event = json.loads(text)
        if event.get("event") == "step_done":
            rows += 1
            if rows == 2:
                ranks = psutil.Process(process.pid).children(recursive=True)
                os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 130
    assert event["error"]["code"] == "interrupted"
    assert f"skyreels resume {stopped}" in event["error"]["hint"]
    assert rows <= 4, "the step under way, and what was said already"
    assert len(ranks) >= 2
    assert psutil.wait_procs(ranks, timeout=60)[1] == []
    events = skyreels("resume", str(stopped), "--device", "cpu", "--events")
    assert [event["step"] for event in events if event.get("event") == "step_done"] == list(range(rows, 8))
    skyreels("generate", *FILM, "-o", str(calm), "--json")
    assert np.abs(pixels(stopped) - pixels(calm)).max() <= 1


@pytest.mark.slow
def test_the_queue_takes_it_too(tmp_path: Path) -> None:
    output = tmp_path / "queued.mkv"
    skyreels("queue", "add", *FILM, "--gpus", "2", "--parallel", "context", "-o", str(output), "--json")
    job = skyreels("queue", "show", "1", "--json")[-1]["data"]
    assert job["placement"] == {"device": "cpu", "gpus": 2, "parallel": "context"}
    skyreels("queue", "run", "--once", "--json")
    assert skyreels("queue", "show", "1", "--json")[-1]["data"]["state"] == "succeeded"
    skyreels("generate", *FILM, "-o", str(tmp_path / "calm.mkv"), "--json")
    assert np.abs(pixels(output) - pixels(tmp_path / "calm.mkv")).max() <= 1


def pixels(film: Path) -> np.ndarray:
    return np.stack(list(read_frames(film))).astype(int)
