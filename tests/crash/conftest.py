"""Processes that render and are killed, and what an undisturbed film looks like."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.media.reader import read_frames

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
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


@dataclass(frozen=True)
class Calm:
    """Digest of the film that nobody disturbed, and the seconds it took when all was warm."""

    digest: str
    seconds: float


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    renderer = Renderer()
    yield renderer
    renderer.close()


@pytest.fixture(scope="session")
def calm(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """Rendered twice."""
    folder = tmp_path_factory.mktemp("calm")
    renderer.finish(folder / "first.mkv")
    started = time.perf_counter()
    renderer.finish(folder / "second.mkv")
    seconds = time.perf_counter() - started
    assert film_digest(folder / "first.mkv") == film_digest(folder / "second.mkv")
    return Calm(film_digest(folder / "first.mkv"), seconds)


def film_digest(film: Path) -> str:
    """SHA-256 of all decoded frames."""
    frames = hashlib.sha256()
    for frame in read_frames(film):
        frames.update(frame.tobytes())
    return frames.hexdigest()


@pytest.fixture
def check_finished() -> Callable[[Path, str], None]:
    """Assert that the film is the undisturbed one, and that nothing but its sidecar lies beside it."""

    def check(output: Path, expected: str) -> None:
        assert film_digest(output) == expected
        assert sorted(path.name for path in output.parent.iterdir()) == [output.name, output.name + ".json"]

    return check


@pytest.fixture
def digest_of() -> Callable[[Path], str]:
    """SHA-256 of a film's decoded frames."""
    return film_digest
