"""A film that is killed, at any moment and as often as you like, ends as the film that was not."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.media.reader import read_frames

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KILLED = -signal.SIGKILL


class Renderer:
    """The forking program `film_child.py` and what its children do."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "film_child.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )

    def run(self, output: Path, kill_after: float | None = None, **job: Any) -> int:
        """The exit status of a process that renders (or goes on with) a film, killed after a while."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"output": str(output), **job}) + "\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):  # it was faster
                os.kill(child, signal.SIGKILL)
        return int(self._process.stdout.readline())

    def finish(self, output: Path, **job: Any) -> None:
        """Go on until the film is done."""
        status = self.run(output, **job)
        report = Path(f"{output}.error")
        assert status == 0, report.read_text() if report.exists() else status

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    renderer = Renderer()
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def calm(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float]:
    """Digest of the film that nobody disturbed, and the seconds it took (the second time, when all is warm)."""
    folder = tmp_path_factory.mktemp("calm")
    renderer.finish(folder / "first.mkv")
    started = time.perf_counter()
    renderer.finish(folder / "second.mkv")
    seconds = time.perf_counter() - started
    assert digest(folder / "first.mkv") == digest(folder / "second.mkv")
    return digest(folder / "first.mkv"), seconds


def digest(film: Path) -> str:
    """SHA-256 of all decoded frames."""
    frames = hashlib.sha256()
    for frame in read_frames(film):
        frames.update(frame.tobytes())
    return frames.hexdigest()


def check_finished(output: Path, expected: str) -> None:
    """The film is the undisturbed one, and beside it lies nothing but its sidecar."""
    assert digest(output) == expected
    assert sorted(path.name for path in output.parent.iterdir()) == [output.name, output.name + ".json"]


def kill_at_random(renderer: Renderer, calm: tuple[str, float], folder: Path, trials: int) -> None:
    expected, seconds = calm
    chance = random.Random(4711)
    for trial in range(trials):
        output = folder / str(trial) / "film.mkv"
        output.parent.mkdir()
        while renderer.run(output, kill_after=chance.uniform(0, 1.1 * seconds)) == KILLED and chance.random() < 0.5:
            pass
        if not output.exists() or output.with_name("film.mkv.skyreels").exists():
            renderer.finish(output)
        check_finished(output, expected)


def test_killed_at_random_moments(renderer: Renderer, calm: tuple[str, float], tmp_path: Path) -> None:
    kill_at_random(renderer, calm, tmp_path, trials=6)


@pytest.mark.slow
def test_killed_at_a_hundred_random_moments(
    renderer: Renderer, calm: tuple[str, float], tmp_path: Path
) -> None:
    kill_at_random(renderer, calm, tmp_path, trials=100)


def kill_at_commits(renderer: Renderer, expected: str, folder: Path, step: int, **job: Any) -> int:
    """Kill one film around every `step`-th rename of its life; returns how many there were."""
    commit = 0
    while True:
        output = folder / f"{commit}" / "film.mkv"
        output.parent.mkdir()
        if renderer.run(output, die_at_commit=commit, **job) != KILLED:
            check_finished(output, expected)
            return commit
        renderer.finish(output, **job)
        check_finished(output, expected)
        commit += step


def test_killed_around_renames(renderer: Renderer, calm: tuple[str, float], tmp_path: Path) -> None:
    assert kill_at_commits(renderer, calm[0], tmp_path, step=17) > 34


@pytest.mark.slow
def test_killed_around_every_rename(renderer: Renderer, calm: tuple[str, float], tmp_path: Path) -> None:
    assert kill_at_commits(renderer, calm[0], tmp_path, step=1) > 60


def test_latent_join_survives_too(renderer: Renderer, tmp_path: Path) -> None:
    renderer.finish(tmp_path / "calm.mkv", join="latents")
    expected = digest(tmp_path / "calm.mkv")
    (tmp_path / "killed").mkdir()
    kill_at_commits(renderer, expected, tmp_path / "killed", step=31, join="latents")
