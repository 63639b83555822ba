"""An I2V film as people make it: shared among ranks, killed and resumed, and through the queue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.cli.main import main
from skyreels_cli.media.reader import read_frames

GOLDEN = Path(__file__).parents[1] / "golden" / "i2v_clip"
CASE = json.loads((GOLDEN / "cases.json").read_text())["i2v_portrait"]
FILM = [
    CASE["prompt"], "--negative-prompt", CASE["negative_prompt"], "--model", str(GOLDEN / "model"),
    "--image", str(GOLDEN / "tall.png"), "--resolution", "48x80", "--num-frames", "13", "--seed", "7",
    "--inference-steps", "8", "--shift", "5.0", "--guidance-scale", "6.0",
    "--dtype", "float32", "--codec", "ffv1", "--device", "cpu",
]  # fmt: skip


def assert_golden(output: Path) -> None:
    made, expected = (np.stack(list(read_frames(path))).astype(int) for path in (output, GOLDEN / "i2v_portrait.mkv"))
    assert made.shape == expected.shape == (13, 80, 48, 3)
    difference = np.abs(made - expected)
    assert difference.max() <= 1
    assert difference.mean() <= 0.01


def test_two_ranks_make_the_same_film(tmp_path: Path) -> None:
    assert main(["generate", *FILM, "--gpus", "2", "-o", str(tmp_path / "film.mkv"), "-q"]) == 0
    assert_golden(tmp_path / "film.mkv")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_film_goes_on(tmp_path: Path) -> None:
    output = tmp_path / "film.mkv"
    line = [sys.executable, "-m", "skyreels_cli", "generate", *FILM, "-o", str(output), "--events"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for told in process.stdout:
            if json.loads(told)["event"] == "step_done":
                os.kill(process.pid, signal.SIGKILL)
                break
    assert not output.exists()
    assert main(["resume", str(output), "--device", "cpu", "-q"]) == 0
    assert_golden(output)


def test_the_queue_makes_it_from_its_own_copy_of_the_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, output = tmp_path / "tall.png", tmp_path / "film.mkv"
    picture.write_bytes((GOLDEN / "tall.png").read_bytes())
    line = [str(picture) if word == str(GOLDEN / "tall.png") else word for word in FILM]
    assert main(["queue", "add", *line, "-o", str(output), "-q"]) == 0
    picture.unlink()
    assert main(["queue", "run", "--once", "-q"]) == 0
    capsys.readouterr()
    assert_golden(output)
