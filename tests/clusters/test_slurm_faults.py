"""What can go wrong on a real Slurm, with films that are hashes; skipped where Slurm is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from skyreels_cli.queue import actions
from tests.queue.conftest import film_of, wait_for

from .night import Night

pytestmark = pytest.mark.slow


def test_a_worker_is_killed_while_jobs_run_and_none_is_lost_or_made_twice(night: Night) -> None:
    running = [night.add(f"running{number}", rows=20, seconds=0.5) for number in range(2)]
    waiting = [night.add(f"waiting{number}") for number in range(4)]
    worker = night.start(slots=4)
    night.wait_for_steps(running[0], 2)
    night.wait_for_steps(running[1], 2)
    numbers = [night.number(job) for job in running]
    worker.kill()
    worker.wait()
    night.finish(night.start(slots=4))
    night.all_right(*running, *waiting)
    for job, number in zip(running, numbers, strict=True):
        assert f"goes on with slurm {number}" in night.log(job)
    assert {night.log(job).count("submitted as slurm") for job in [*running, *waiting]} == {1}


def test_a_time_limit_puts_the_job_back_into_the_line(night: Night) -> None:
    """SIGUSR1 is what Slurm sends before the limit; here it comes early."""
    job = night.add("limited", rows=10, seconds=0.5)
    worker = night.start()
    night.wait_for_steps(job, 3)
    number = night.number(job)
    night.slurm.ask("scancel", "--signal=USR1", "--batch", number)
    night.slurm.hurry(number)
    night.finish(worker)
    night.all_right(job)
    assert night.log(job).count("submitted as slurm") == 1
    assert night.store.job(job.id).attempts == 1


def test_the_limit_that_slurm_keeps_itself(night: Night) -> None:
    """Slurm's shortest limit is a minute, and it warns up to a minute early."""
    job = night.add("minute", rows=50, seconds=1.0)
    night.slurm.ask("scontrol", "update", "PartitionName=main", "DefaultTime=1")
    worker = night.start()
    number = night.number(job)
    night.slurm.hurry(number)
    night.slurm.ask("scontrol", "update", "PartitionName=main", "DefaultTime=INFINITE")
    night.slurm.ask("scontrol", "update", f"JobId={number}", "TimeLimit=10")  # else it is warned again at once
    night.finish(worker)
    assert night.log(job).count("submitted as slurm") == 1
    night.all_right(job)


def test_scancel_by_somebody_and_a_job_that_fails(night: Night) -> None:
    cancelled, bad, good = night.add("cancelled", wait_at=2), night.add("bad", fail_at=1, times=99), night.add("good")
    worker = night.start()
    night.wait_for_steps(cancelled, 2)
    night.slurm.ask("scancel", night.number(cancelled))
    night.finish(worker)
    assert [night.store.job(job.id).state for job in (cancelled, bad, good)] == ["failed", "failed", "succeeded"]
    assert night.store.job(cancelled.id).error_code == "cancelled-there"
    assert night.store.job(bad.id).attempts == 3
    actions.retry(night.store, cancelled.id)
    night.finish(night.start())
    assert Path(cancelled.output).read_text() == film_of(cancelled)


def test_pause_gives_the_allocation_back(night: Night) -> None:
    job = night.add("paused", rows=10, seconds=0.3)
    worker = night.start()
    night.wait_for_steps(job, 3)
    actions.pause(night.store, job.id)
    night.finish(worker)
    assert night.store.job(job.id).state == "paused"
    wait_for(lambda: not night.slurm.ask("squeue", "--me", "--noheader"), 60)
    actions.resume(night.store, job.id)
    night.finish(night.start())
    night.all_right(job)


def test_the_controller_is_away_for_a_while(night: Night) -> None:
    running = [night.add(f"running{number}", rows=20, seconds=0.5) for number in range(2)]
    waiting = night.add("waiting")
    worker = night.start(slots=3)
    night.wait_for_steps(running[1], 2)
    night.slurm.kill_controller()
    before = night.store.job(running[0].id).steps_done
    night.wait_for_steps(running[0], before + 3)  # events need no controller
    night.slurm.start_controller()
    night.finish(worker)
    night.all_right(*running, waiting)
    assert {night.store.job(job.id).attempts for job in [*running, waiting]} == {1}


def test_slurmd_alone_dies_and_its_job_goes_on(night: Night) -> None:
    job = night.add("alone", rows=10, seconds=0.5)
    worker = night.start()
    night.wait_for_steps(job, 3)
    night.slurm.kill("slurmd one")
    night.slurm.start_node()
    night.finish(worker)
    night.all_right(job)
    assert night.store.job(job.id).attempts == 1
