"""Every film of the golden set, through the command line, against what the reference made of the same parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from skyreels_cli.cli.main import main
from skyreels_cli.media.video import open_video
from tests.second_reader import read_rgb

from .films import HERE, MEAN, MOST, assert_equal, command_line, frames

ALL: dict[str, dict[str, Any]] = json.loads((HERE / "cases.json").read_text())
CASES = {name: case for name, case in ALL.items() if case["kind"] == "generate"}
IN_A_PROCESS_OF_ITS_OWN = {"start_end"}


def by_the_clock(path: Path) -> npt.NDArray[np.uint8]:
    """Frames as another reader shows them at a constant rate: it drops those that share a time."""
    video = open_video(path)
    return read_rgb(path, *video.shown_size, "-fps_mode", "cfr", "-r", video.fps)


@pytest.mark.parametrize("name", CASES)
def test_frame_exact(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, output = CASES[name], tmp_path / f"{name}.mkv"
    line = command_line(case, output)
    if name in IN_A_PROCESS_OF_ITS_OWN:
        ran = subprocess.run([sys.executable, "-m", "skyreels_cli", *line], capture_output=True, text=True, check=False)
        status, stdout = ran.returncode, ran.stdout
    else:
        status, stdout = main(line), capsys.readouterr().out
    assert status == 0, stdout
    assert json.loads(stdout)["data"]["frames"] == case["frames"]
    assert_equal(output, HERE / f"{name}.mkv", case)
    assert np.array_equal(by_the_clock(output), frames(output))


def test_extend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, output = ALL["extend"], tmp_path / "extend.mkv"
    assert main(command_line(case, output)) == 0
    assert json.loads(capsys.readouterr().out)["data"]["frames"] == case["frames"]
    assert np.array_equal(by_the_clock(output), frames(output))
    given, made, expected = frames(HERE / case["video"]), frames(output), frames(HERE / "extend.mkv")
    assert made.shape == expected.shape == (33, 48, 80, 3)
    assert np.array_equal(made[:25], given)  # the reference decodes them, and every seventh value comes out one less
    assert np.abs(made - expected).max() <= MOST
    assert np.abs(made - expected)[25:].mean() <= MEAN
