"""The queue on a real Slurm of one node with two slots; skipped where Slurm is not installed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from skyreels_cli.queue import actions
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from tests.queue.conftest import wait_for

from .site import LONG, MINUTES, Site
from .slurm import Slurm

pytestmark = pytest.mark.slow


class SlurmSite(Site):
    """A site whose cluster is a Slurm."""

    def __init__(self, home: Path, films: Path, slurm: Slurm) -> None:
        super().__init__(home, films, slurm.folder, ["--executor", "slurm", "-O", "slurm.poll=0.5"], slurm.environment)
        self.slurm = slurm

    def number(self, job: Job) -> str:
        """Slurm's number of a job, once it has one."""
        folder = JobFolder.of(job.output_path)
        return str(wait_for(lambda: folder.id, MINUTES))

    def close(self) -> None:
        super().close()
        self.slurm.ask("scancel", "--me")
        wait_for(lambda: not self.slurm.ask("squeue", "--me", "--noheader"), 60)


@pytest.fixture
def site(home: Path, tmp_path: Path, slurm: Slurm) -> Iterator[SlurmSite]:
    (tmp_path / "films").mkdir()
    site = SlurmSite(home, tmp_path / "films", slurm)
    yield site
    site.close()


@pytest.fixture
def ballast(site: SlurmSite) -> Iterator[Path]:
    """A file that fills the disk of the films, which is a small one, once it is written to."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(site.films)], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield site.films / "ballast"
    site.close()
    subprocess.run(["umount", "--lazy", str(site.films)], check=True)


def test_a_worker_is_killed_while_jobs_run_and_none_is_lost_or_made_twice(site: SlurmSite) -> None:
    jobs = [site.add(f"kept{number}", LONG) for number in range(2)] + [site.add(f"next{number}") for number in range(2)]
    worker = site.start("--slots", "3")
    site.wait_for_steps(jobs[0], 3)
    numbers = {site.number(job) for job in jobs[:2]}
    worker.kill()
    worker.wait()
    site.finish(site.start("--slots", "3"))
    site.all_right(*jobs)
    for job in jobs[:2]:
        assert "goes on with slurm" in site.log(job)
        assert site.log(job).count("submitted as slurm") == 1
    assert len(numbers) == 2
    assert all(site.same_as_alone(job) for job in jobs)


def test_twelve_jobs_on_two_slots_and_frames_as_at_home(site: SlurmSite) -> None:
    jobs = [site.add(f"film{number}", seed=number % 3) for number in range(12)]
    site.finish(site.start("--slots", "4"))
    site.all_right(*jobs)
    assert all(site.same_as_alone(job) for job in jobs)
    assert all(site.store.job(job.id).attempts == 1 for job in jobs)


def test_scancel_by_somebody_and_a_job_that_fails(site: SlurmSite) -> None:
    cancelled, bad, good = site.add("cancelled", LONG), site.add("bad"), site.add("good")
    site.spoil(bad)
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


def test_a_time_limit_within_a_film_and_the_film_goes_on(site: SlurmSite) -> None:
    """USR1 is what Slurm sends before the limit; here it comes early."""
    job = site.add("limited", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    number = site.number(job)
    site.slurm.ask("scancel", "--signal=USR1", "--batch", number)
    site.slurm.hurry(number)
    site.finish(worker)
    site.all_right(job)
    assert site.resumed(job)
    assert site.log(job).count("submitted as slurm") == 1  # the same job of Slurm's, back in the line
    assert site.same_as_alone(job)


def test_pause_gives_the_allocation_back(site: SlurmSite) -> None:
    job = site.add("paused", LONG)
    worker = site.start()
    site.wait_for_steps(job, 3)
    actions.pause(site.store, job.id)
    site.finish(worker)
    assert site.state(job) == "paused"
    wait_for(lambda: not site.slurm.ask("squeue", "--me", "--noheader"), 60)
    actions.resume(site.store, job.id)
    site.finish(site.start())
    site.all_right(job)
    assert site.same_as_alone(job)


def test_the_controller_and_the_node_s_daemon_are_away_for_a_while(site: SlurmSite) -> None:
    running, waiting, third = site.add("running", LONG), site.add("second", LONG), site.add("third")
    worker = site.start("--slots", "2")
    site.wait_for_steps(running, 3)
    site.slurm.kill_controller()
    before = site.store.job(running.id).steps_done
    site.wait_for_steps(running, before + 3)  # events need no controller
    site.slurm.start_controller()
    site.slurm.kill("slurmd one")
    site.wait_for_steps(running, before + 6)
    site.slurm.start_node()
    site.finish(worker)
    site.all_right(running, waiting, third)
    assert site.store.job(running.id).attempts == 1


def test_a_shared_disk_is_full_for_a_while(site: SlurmSite, ballast: Path) -> None:
    job = site.add("large", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    with suppress(OSError), ballast.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    wait_for(lambda: "the disk is full; trying again" in site.log(job), MINUTES)
    wait_for(lambda: "No space left on device" in site.log(job), MINUTES)
    wait_for(lambda: "queued (slurm, not submitted yet)" in site.ask("queue", "list"), 60)
    ballast.unlink()
    site.finish(worker)
    site.all_right(job)
    assert site.same_as_alone(job)
