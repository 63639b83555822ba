"""The queue on a real Slurm of one node with two slots; skipped where Slurm is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from skyreels_cli.media.reader import read_frames
from skyreels_cli.queue import actions
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.logs import read_log
from skyreels_cli.queue.store import Store
from tests.queue.conftest import wait_for

from .slurm import Slurm

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SKYREELS = [sys.executable, "-m", "skyreels_cli"]
SMALL = ["--model", "tiny", "--device", "cpu", "--dtype", "float32", "--codec", "ffv1"]
SHORT = [*SMALL, "--num-frames", "17", "--inference-steps", "4"]
LONG = [*SMALL, "--num-frames", "97", "--inference-steps", "30"]
MINUTES = 900.0


class Site:
    """A queue, a folder for films, and workers as processes."""

    def __init__(self, home: Path, films: Path, slurm: Slurm) -> None:
        self.slurm = slurm
        self.films = films
        self.store = Store(home / "queue")
        path = os.pathsep.join([str(ROOT), str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
        self.environment = {**os.environ, **slurm.environment, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self.workers: list[subprocess.Popen[bytes]] = []

    def add(self, name: str, said: list[str] = SHORT, seed: int = 7) -> Job:
        words = ["queue", "add", "a red ball", "--seed", str(seed), *said, "-o", f"{name}.mkv", "--quiet"]
        return self.store.job(int(self.ask(*words)))

    def ask(self, *words: str) -> str:
        ran = subprocess.run(
            [*SKYREELS, *words], cwd=self.films, env=self.environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A worker that works until nothing is left."""
        command = [*SKYREELS, "queue", "run", "--once", "--executor", "slurm", "-O", "slurm.poll=0.5", *words]
        with (self.films.parent / "worker.out").open("ab") as out:
            worker = subprocess.Popen(command, cwd=self.films, env=self.environment, stdout=out, stderr=out)
        self.workers.append(worker)
        return worker

    def finish(self, worker: subprocess.Popen[bytes]) -> None:
        assert worker.wait(MINUTES) == 0, (self.films.parent / "worker.out").read_text()

    def state(self, job: Job) -> str:
        return self.store.job(job.id).state

    def log(self, job: Job) -> str:
        return read_log(self.store.log(job.id))

    def number(self, job: Job) -> str:
        """Slurm's number of a job, once it has one."""
        folder = JobFolder.of(job.output_path)
        return str(wait_for(lambda: folder.id, MINUTES))

    def wait_for_steps(self, job: Job, steps: int) -> None:
        wait_for(lambda: self.store.job(job.id).steps_done >= steps, MINUTES)

    def same_as_alone(self, job: Job) -> bool:
        """Whether the film is the one that the same job makes on this machine."""
        said, seed = LONG if job.num_frames == 97 else SHORT, str(job.recipe["seed"])
        local = self.slurm.folder / f"{job.num_frames}_{seed}.mkv"
        if not local.exists():
            self.ask("generate", "a red ball", "--seed", seed, *said, "-o", str(local), "--quiet")
        return np.array_equal(np.stack(list(read_frames(job.output_path))), np.stack(list(read_frames(local))))

    def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.kill()
            worker.wait()
        self.slurm.ask("scancel", "--me")
        wait_for(lambda: not self.slurm.ask("squeue", "--me", "--noheader"), 60)


@pytest.fixture
def site(home: Path, tmp_path: Path, slurm: Slurm) -> Iterator[Site]:
    (tmp_path / "films").mkdir()
    site = Site(home, tmp_path / "films", slurm)
    yield site
    site.close()


@pytest.fixture
def ballast(site: Site) -> Iterator[Path]:
    """A file that fills the disk of the films, which is a small one, once it is written to."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(site.films)], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield site.films / "ballast"
    site.close()
    subprocess.run(["umount", "--lazy", str(site.films)], check=True)


def all_right(site: Site, jobs: list[Job]) -> None:
    assert {site.state(job) for job in jobs} == {"succeeded"}
    assert sorted(film.job for film in site.store.history(100)) == sorted(job.id for job in jobs)
    assert not list(site.films.glob("*.job"))
    assert not list(site.films.glob("*.skyreels"))


def test_a_worker_is_killed_while_jobs_run_and_none_is_lost_or_made_twice(site: Site) -> None:
    jobs = [site.add(f"kept{number}", LONG) for number in range(2)] + [site.add(f"next{number}") for number in range(2)]
    worker = site.start("--slots", "3")
    site.wait_for_steps(jobs[0], 3)
    numbers = {site.number(job) for job in jobs[:2]}
    worker.kill()
    worker.wait()
    site.finish(site.start("--slots", "3"))
    all_right(site, jobs)
    for job in jobs[:2]:
        assert "goes on with slurm" in site.log(job)
        assert site.log(job).count("submitted as slurm") == 1
    assert len(numbers) == 2
    assert all(site.same_as_alone(job) for job in jobs)


def test_twelve_jobs_on_two_slots_and_frames_as_at_home(site: Site) -> None:
    jobs = [site.add(f"film{number}", seed=number % 3) for number in range(12)]
    site.finish(site.start("--slots", "4"))
    all_right(site, jobs)
    assert all(site.same_as_alone(job) for job in jobs)
    assert all(site.store.job(job.id).attempts == 1 for job in jobs)


def test_scancel_by_somebody_and_a_job_that_fails(site: Site) -> None:
    cancelled, bad, good = site.add("cancelled", LONG), site.add("bad"), site.add("good")
    with site.store.database.write() as connection:  # a model that has been deleted since it was added
        connection.execute("UPDATE jobs SET recipe = json_set(recipe, '$.model', '/gone') WHERE id = ?", (bad.id,))
    worker = site.start("--slots", "2")
    site.wait_for_steps(cancelled, 3)
    site.slurm.ask("scancel", site.number(cancelled))
    site.finish(worker)
    assert [site.state(job) for job in (cancelled, bad, good)] == ["failed", "failed", "succeeded"]
    assert site.store.job(cancelled.id).error_code == "cancelled-there"
    assert site.store.job(bad.id).error_code == "model-not-found"
    actions.retry(site.store, cancelled.id)
    site.finish(site.start())
    assert site.same_as_alone(cancelled)


def test_a_time_limit_within_a_film_and_the_film_goes_on(site: Site) -> None:
    """USR1 is what Slurm sends before the limit; here it comes early."""
    job = site.add("limited", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    number = site.number(job)
    site.slurm.ask("scancel", "--signal=USR1", "--batch", number)
    wait_for(lambda: site.slurm.ask("squeue", "--noheader", "--format=%T", "--jobs", number) == "PENDING", MINUTES)
    before = site.store.job(job.id)
    site.finish(worker)
    all_right(site, [job])
    assert before.steps_done >= 5
    assert site.log(job).count("submitted as slurm") == 1  # the same job of Slurm's, back in the line
    assert site.same_as_alone(job)


def test_pause_gives_the_allocation_back(site: Site) -> None:
    job = site.add("paused", LONG)
    worker = site.start()
    site.wait_for_steps(job, 3)
    actions.pause(site.store, job.id)
    site.finish(worker)
    assert site.state(job) == "paused"
    wait_for(lambda: not site.slurm.ask("squeue", "--me", "--noheader"), 60)
    actions.resume(site.store, job.id)
    site.finish(site.start())
    all_right(site, [job])
    assert site.same_as_alone(job)


def test_the_controller_is_away_for_a_while(site: Site) -> None:
    running, waiting, third = site.add("running", LONG), site.add("second", LONG), site.add("third")
    worker = site.start("--slots", "2")
    site.wait_for_steps(running, 3)
    site.slurm.kill("slurmctld")
    site.wait_for_steps(running, 8)  # events need no controller
    site.slurm.start_controller()
    site.finish(worker)
    all_right(site, [running, waiting, third])
    assert site.store.job(running.id).attempts == 1


def test_a_shared_disk_is_full_for_a_while(site: Site, ballast: Path) -> None:
    job = site.add("large", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    with suppress(OSError), ballast.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    wait_for(lambda: "the disk is full; trying again" in site.log(job), MINUTES)
    wait_for(lambda: "No space left on device" in site.log(job), MINUTES)
    assert "queued (slurm, not submitted yet)" in site.ask("queue", "list")
    ballast.unlink()
    site.finish(worker)
    all_right(site, [job])
    assert site.same_as_alone(job)
