"""A queue of films of the demo model, and workers as processes, which render on a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from skyreels_cli.media.reader import read_frames
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import read_log
from skyreels_cli.queue.store import Store
from tests.queue.conftest import wait_for

ROOT = Path(__file__).parents[2]
SKYREELS = [sys.executable, "-m", "skyreels_cli"]
SMALL = ["--model", "tiny", "--device", "cpu", "--dtype", "float32", "--codec", "ffv1"]
SHORT = [*SMALL, "--num-frames", "17", "--inference-steps", "4"]
LONG = [*SMALL, "--num-frames", "97", "--inference-steps", "30"]
MINUTES = 900.0


class Site:
    """`executor` are the words that tell a worker where jobs run; films are compared with those in `alone`."""

    def __init__(
        self, home: Path, films: Path, alone: Path, executor: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.films = films
        self.store = Store(home / "queue")
        self.workers: list[subprocess.Popen[str]] = []
        self.events: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._alone = alone
        self._executor = executor
        path = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
        self._environment = {**os.environ, **environment, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self._errors = films.with_name("errors")

    def add(self, name: str, said: Sequence[str] = SHORT, seed: int = 7) -> Job:
        words = ["queue", "add", "a red ball", "--seed", str(seed), *said, "-o", f"{name}.mkv", "--quiet"]
        return self.store.job(int(self.ask(*words)))

    def spoil(self, job: Job) -> None:
        """Have it want a model that has been deleted since it was added."""
        with self.store.database.write() as connection:
            connection.execute("UPDATE jobs SET recipe = json_set(recipe, '$.model', '/gone') WHERE id = ?", (job.id,))

    def ask(self, *words: str) -> str:
        ran = subprocess.run(
            [*SKYREELS, *words], cwd=self.films, env=self._environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A worker that works until nothing is left."""
        command = [*SKYREELS, "queue", "run", "--once", "--events", *self._executor, *words]
        with self._errors.open("ab") as errors:
            worker = subprocess.Popen(
                command, cwd=self.films, env=self._environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self.workers.append(worker)
        return worker

    def finish(self, worker: subprocess.Popen[str]) -> None:
        assert worker.wait(MINUTES) == 0, self._errors.read_text()
        assert self.noise == []

    def state(self, job: Job) -> str:
        return self.store.job(job.id).state

    def log(self, job: Job) -> str:
        return read_log(self.store.log(job.id))

    def told(self, job: Job, name: str) -> list[dict[str, Any]]:
        """The events of that name that were told of a job, each with the time at which it `came`."""
        return [event for event in self.events if (event.get("event"), event.get("job")) == (name, job.id)]

    def resumed(self, job: Job) -> bool:
        """Whether its film went on, within a window or behind one."""
        return bool(self.told(job, "window_resumed") or self.told(job, "film_resumed"))

    def wait_for_steps(self, job: Job, steps: int) -> None:
        wait_for(lambda: self.store.job(job.id).steps_done >= steps, MINUTES)

    def same_as_alone(self, job: Job) -> bool:
        """Whether the film is the one that the same job makes on this machine without a queue."""
        said, seed = LONG if job.num_frames == 97 else SHORT, str(job.recipe["seed"])
        alone = self._alone / f"{job.num_frames}_{seed}.mkv"
        if not alone.exists():
            self.ask("generate", "a red ball", "--seed", seed, *said, "-o", str(alone), "--quiet")
        return np.array_equal(np.stack(list(read_frames(job.output_path))), np.stack(list(read_frames(alone))))

    def all_right(self, *jobs: Job) -> None:
        """Every job has succeeded once, and nothing is left."""
        assert {self.state(job) for job in jobs} == {"succeeded"}
        assert sorted(film.job for film in self.store.history(100)) == sorted(job.id for job in jobs)
        assert not list(self.films.glob("*.job"))
        assert not list(self.films.glob("*.skyreels"))

    def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.kill()
            worker.wait()

    def _listen(self, worker: subprocess.Popen[str]) -> None:
        assert worker.stdout
        for line in worker.stdout:
            try:
                self.events.append({**json.loads(line), "came": time.monotonic()})
            except ValueError:  # what is no event has no business on stdout
                self.noise.append(line)
