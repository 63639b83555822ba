"""Nodes that die or are wanted for other things, on a real Slurm, with films that are hashes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import pairwise

import psutil
import pytest

from skyreels_cli.queue import actions
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from tests.queue.conftest import wait_for

from .night import SECONDS, Night
from .slurm import NODE, SPARE

pytestmark = pytest.mark.slow
# Between two of its checkpoints a film does not note how far it is, unless it is told to stop.
UNTIL_TOLD = {"rows": 20, "seconds": 0.5, "checkpoint": False}


@pytest.fixture
def spare(night: Night) -> Iterator[None]:
    """The second node; the first one is there again afterwards."""
    night.slurm.start_node(SPARE)
    yield
    night.slurm.cut_power(SPARE)
    night.slurm.ask("scontrol", "update", f"NodeName={SPARE}", "State=DOWN", "Reason=off")
    night.slurm.start_node(NODE)


@pytest.mark.usefixtures("spare")
@pytest.mark.parametrize("again", ["--requeue", "--no-requeue"])
def test_a_node_dies_with_its_job_which_goes_on_on_another(night: Night, again: str) -> None:
    """Slurm finds out by itself; it puts the job back, or the worker submits it once more."""
    job = night.add("orphan", rows=20, seconds=0.5)
    worker = night.start(sbatch=again)
    night.wait_for_steps(job, 4)
    number = night.number(job)
    assert "on one" in night.log(job)
    night.slurm.cut_power(NODE)
    if again == "--requeue":
        night.slurm.hurry(number)
    night.finish(worker)
    night.all_right(job)
    assert "on spare" in night.log(job)
    assert night.log(job).count("submitted as slurm") == (1 if again == "--requeue" else 2)
    assert night.told(job, "film_resumed")[0]["frames"] >= 3


@pytest.mark.parametrize("grace", [0, 60])
def test_a_job_that_is_driven_away_checkpoints_in_time_and_comes_back(night: Night, grace: int) -> None:
    """SIGTERM comes 10 s before SIGKILL; in a time of grace Slurm warns as before a time limit, within a minute."""
    night.slurm.ask("scontrol", "update", "PartitionName=main", f"GraceTime={grace}")
    job = night.add("yields", **{**UNTIL_TOLD, "rows": 90 if grace else 20})
    worker = night.start()
    night.wait_for_steps(job, 4)
    number = night.number(job)
    night.slurm.ask("sbatch", "--partition=urgent", "--cpus-per-task=2", "--output=/dev/null", "--wrap=sleep 3")
    night.slurm.hurry(number)
    night.finish(worker)
    night.slurm.ask("scontrol", "update", "PartitionName=main", "GraceTime=0")
    night.all_right(job)
    assert night.log(job).count("submitted as slurm") == 1
    assert night.told(job, "film_resumed")[0]["frames"] >= 4
    assert night.store.job(job.id).attempts == 1


def test_a_job_that_an_operator_requeues(night: Night) -> None:
    job = night.add("requeued", **UNTIL_TOLD)
    worker = night.start()
    night.wait_for_steps(job, 4)
    number = night.number(job)
    night.slurm.ask("scontrol", "requeue", number)
    night.slurm.hurry(number)
    night.finish(worker)
    night.all_right(job)
    assert night.log(job).count("submitted as slurm") == 1
    assert night.told(job, "film_resumed")[0]["frames"] >= 4


def test_a_job_that_is_silent_while_slurm_says_it_runs(night: Night) -> None:
    job = night.add("silent", rows=20, seconds=0.5)
    worker = night.start(silent=8.0)
    night.wait_for_steps(job, 2)
    number = night.number(job)
    far = far_end(job)
    far.send_signal(signal.SIGSTOP)
    wait_for(lambda: f"running: slurm {number} on one, silent for" in night.log(job), SECONDS)
    wait_for(lambda: any("silent for" in (each.place or "") for each in night.store.workers()), SECONDS)
    assert night.slurm.ask("squeue", "--noheader", "--format=%T", "--jobs", number) == "RUNNING"
    far.send_signal(signal.SIGCONT)
    wait_for(lambda: night.log(job).rstrip().endswith(f"running: slurm {number} on one"), SECONDS)
    night.finish(worker)
    night.all_right(job)


def test_a_job_writes_at_most_once_a_second(night: Night) -> None:
    job = night.add("chatty", rows=100, seconds=0.05)
    events = JobFolder.of(job.output_path).events
    worker = night.start()
    night.wait_for_steps(job, 1)
    sizes: list[tuple[int, float]] = []
    while events.exists():
        size = events.stat().st_size
        if not sizes or size != sizes[-1][0]:
            sizes.append((size, time.monotonic()))
        time.sleep(0.01)
    night.finish(worker)
    night.all_right(job)
    gaps = [later - earlier for (_, earlier), (_, later) in pairwise(sizes[1:])]  # the first was there before
    assert len(gaps) >= 4
    assert min(gaps) >= 0.9  # of a clock that looks now and then


@pytest.mark.parametrize("waits", [False, True])
def test_a_job_is_cancelled_without_a_worker(night: Night, waits: bool) -> None:
    """A job that runs stops within a step; one in the line as soon as its turn comes."""
    before = night.slurm.ask("sbatch", "--parsable", "--cpus-per-task=2", "--output=/dev/null", "--wrap=sleep 300")
    job = night.add("cancelled", **UNTIL_TOLD)
    worker = night.start()
    number = night.number(job)
    if not waits:
        night.slurm.ask("scancel", before)
        night.wait_for_steps(job, 4)
    worker.kill()
    worker.wait()
    actions.cancel(night.store, job.id)
    night.slurm.ask("scancel", before)
    look = ("squeue", "--noheader", "--format=%T", "--jobs", number)
    wait_for(lambda: night.slurm.ask(*look) not in ("PENDING", "RUNNING", "COMPLETING"), SECONDS)
    assert not job.output_path.exists()
    actions.retry(night.store, job.id)
    night.finish(night.start())
    night.all_right(job)
    assert night.told(job, "film_resumed")


def far_end(job: Job) -> psutil.Process:
    """The process that renders a job."""
    words = ["job", "run", str(JobFolder.of(job.output_path).path)]
    found = [process for process in psutil.process_iter() if _words(process)[-3:] == words]
    assert len(found) == 1
    return found[0]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
