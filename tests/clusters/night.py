"""A queue of films that are hashes, and workers on a real Slurm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import read_log
from skyreels_cli.queue.store import Store
from tests.queue.conftest import film_of, new_job, wait_for

from .slurm import Slurm

HERE = Path(__file__).parent
SECONDS = 120.0


class Night:
    """A queue and the worker that is on it, a process."""

    def __init__(self, store: Store, films: Path, ledger: Path, slurm: Slurm) -> None:
        self.store = store
        self.films = films
        self.ledger = ledger
        self.slurm = slurm
        self.workers: list[subprocess.Popen[bytes]] = []
        self._told = films.with_name("told")

    def add(self, name: str, **fake: Any) -> Job:
        return self.store.add(new_job(self.films / f"{name}.mp4", **fake))

    def start(self, slots: int = 2, silent: float = 120.0, **options: str) -> subprocess.Popen[bytes]:
        """A worker, with options of the executor; a job is called silent after so many seconds."""
        environment = {**os.environ, **self.slurm.environment, "FAKE_LEDGER": str(self.ledger)}
        said = json.dumps({"silent": silent, "options": options})
        command = [sys.executable, str(HERE / "worker.py"), str(self.store.folder), str(slots), said]
        with self._told.open("ab") as out:
            self.workers.append(subprocess.Popen(command, env=environment, stdout=out))
        return self.workers[-1]

    def told(self, job: Job, event: str) -> list[dict[str, Any]]:
        """The events of that name that workers have told of a job."""
        events = [json.loads(line) for line in self._told.read_text().splitlines()]
        return [each for each in events if (each["event"], each.get("job")) == (event, job.id)]

    def finish(self, worker: subprocess.Popen[bytes]) -> None:
        assert worker.wait(SECONDS) == 0

    def log(self, job: Job) -> str:
        return read_log(self.store.log(job.id))

    def number(self, job: Job) -> str:
        """Slurm's number of a job, once it has one."""
        folder = JobFolder.of(job.output_path)
        return str(wait_for(lambda: folder.id, SECONDS))

    def wait_for_steps(self, job: Job, steps: int) -> None:
        wait_for(lambda: self.store.job(job.id).steps_done >= steps, SECONDS)

    def all_right(self, *jobs: Job) -> None:
        """Every job has succeeded once, every film is what it must be, and nothing is left."""
        assert {self.store.job(job.id).state for job in jobs} == {"succeeded"}
        assert [Path(job.output).read_text() for job in jobs] == [film_of(job) for job in jobs]
        made = sorted(line for line in self.ledger.read_text().splitlines() if line.startswith("finish"))
        assert made == sorted(f"finish {job.output_path.name}" for job in jobs)
        assert sorted(film.job for film in self.store.history(100)) == sorted(job.id for job in jobs)
        assert not list(self.films.glob("*.job"))

    def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.kill()
            worker.wait()
        self.slurm.ask("scancel", "--me")
        wait_for(lambda: not self.slurm.ask("squeue", "--me", "--noheader"), 60)
