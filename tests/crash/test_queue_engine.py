"""The queue with the real engine: a worker that is killed in the middle of a film costs nothing but time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.media.reader import read_frames
from skyreels_cli.queue.logs import read_log
from skyreels_cli.queue.store import Store
from tests.queue.conftest import wait_for

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
CASES = json.loads((GOLDEN / "cases.json").read_text())
OPTIONS = (
    "prompt", "negative_prompt", "shift", "guidance_scale", "fps", "base_num_frames", "overlap_history", "seed",
    "num_frames",
)  # fmt: skip


@pytest.fixture
def environment(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, for processes that know where the program is."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


def queue(folder: Path, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "skyreels_cli", "queue", *args]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


def add(folder: Path, name: str) -> None:
    case = CASES[name]
    said = [f"--{key.replace('_', '-')}={case[key]}" for key in OPTIONS if case[key] is not None]
    said += [f"--inference-steps={case['num_inference_steps']}", f"--resolution={case['width']}x{case['height']}"]
    how = ["--model", str(GOLDEN / "model"), "--dtype", "float32", "--codec", "ffv1", "-o", f"{name}.mkv"]
    assert queue(folder, "add", *said, *how).wait(60) == 0


def test_golden_films_by_a_worker_that_was_killed(environment: Path, home: Path) -> None:
    folder = environment
    for name in ("long_sync", "t2v_sync"):
        add(folder, name)
    store = Store(home / "queue")
    worker = queue(folder, "run", "--once", "--device", "cpu")
    wait_for(lambda: 8 <= store.job(1).rows_done < store.job(1).total_rows, seconds=180)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert store.job(1).state == "running"
    again = queue(folder, "run", "--once", "--json", "--device", "cpu")
    said = again.communicate(timeout=240)[0]
    assert json.loads(said)["data"] == {"ended": {"succeeded": 2}}, read_log(store.log(1))
    for number, name in ((1, "long_sync"), (2, "t2v_sync")):
        job = store.job(number)
        assert (job.state, job.error, job.attempts) == ("succeeded", None, 1)
        film, expected = (
            np.stack(list(read_frames(path))).astype(int) for path in (folder / f"{name}.mkv", GOLDEN / f"{name}.mkv")
        )
        assert film.shape == expected.shape
        assert np.abs(film - expected).max() <= 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "long_sync.mkv", "long_sync.mkv.json", "t2v_sync.mkv", "t2v_sync.mkv.json",
    ]  # fmt: skip
    assert [film.job for film in store.history()] == [2, 1]
    rate = store.pace("float32")
    assert rate is not None
    assert rate > 1e6
