"""The queue on hosts behind a real sshd: two names of this machine; skipped where OpenSSH's server is not installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from skyreels_cli.queue import actions
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.job import Job
from tests.queue.conftest import wait_for

from .site import LONG, MINUTES, ROOT, Site
from .sshd import Sshd, missing

pytestmark = pytest.mark.slow
HOSTS = ("127.0.0.1", "localhost")


class SshSite(Site):
    """A site whose hosts know nothing of this process's environment."""

    def __init__(self, home: Path, films: Path, alone: Path, sshd: Sshd) -> None:
        setup = f"export OMP_NUM_THREADS=1 SKYREELS_CALIBRATE=false PYTHONPATH={ROOT}:{ROOT / 'plugins'}"
        said = {"hosts": ",".join(HOSTS), "ssh": sshd.options, "setup": setup, "poll": "0.5"}
        options = [word for name, value in said.items() for word in ("-O", f"ssh.{name}={value}")]
        super().__init__(home, films, alone, ["--executor", "ssh", *options], {})

    def process(self, job: Job) -> tuple[str, int]:
        """Host and process of a job, once it has one."""
        folder = JobFolder.of(job.output_path)
        host, pid, _ = str(wait_for(lambda: folder.id, MINUTES)).split("/")
        return host, int(pid)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if missing():
        pytest.skip(f"not installed: {', '.join(missing())}")
    sshd = Sshd(tmp_path_factory.mktemp("sshd"))
    sshd.start()
    yield sshd
    sshd.stop()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films that were rendered without a queue."""
    return tmp_path_factory.mktemp("alone")


@pytest.fixture
def site(home: Path, tmp_path: Path, alone: Path, sshd: Sshd) -> Iterator[SshSite]:
    (tmp_path / "films").mkdir()
    site = SshSite(home, tmp_path / "films", alone, sshd)
    yield site
    site.close()


def test_jobs_on_two_hosts_and_frames_as_at_home(site: SshSite) -> None:
    jobs = [site.add(f"film{number}", seed=number % 3) for number in range(6)]
    site.finish(site.start("--slots", "3"))
    site.all_right(*jobs)
    assert all(site.same_as_alone(job) for job in jobs)
    assert {each["text"] for job in jobs for each in site.told(job, "job_placed")} >= {
        f"ssh on {host}" for host in HOSTS
    }
    assert all(site.store.job(job.id).attempts == 1 for job in jobs)


def test_a_worker_is_killed_while_jobs_run_and_none_is_lost_or_made_twice(site: SshSite) -> None:
    jobs = [site.add(f"kept{number}", LONG) for number in range(2)] + [site.add("next")]
    worker = site.start("--slots", "2")
    site.wait_for_steps(jobs[0], 3)
    site.wait_for_steps(jobs[1], 3)
    worker.kill()
    worker.wait()
    site.finish(site.start("--slots", "2"))
    site.all_right(*jobs)
    for job in jobs[:2]:
        assert "goes on with ssh" in site.log(job)
        assert site.log(job).count("submitted as ssh") == 1
    assert all(site.same_as_alone(job) for job in jobs)


def test_a_host_that_does_not_answer_for_a_while(site: SshSite, sshd: Sshd) -> None:
    job = site.add("away", LONG)
    worker = site.start()
    site.wait_for_steps(job, 3)
    sshd.stop()
    site.wait_for_steps(job, 8)  # events need no connection
    wait_for(lambda: "Connection refused" in site.log(job), MINUTES)
    sshd.start()
    site.finish(worker)
    site.all_right(job)
    assert site.store.job(job.id).attempts == 1
    assert site.same_as_alone(job)


def test_a_host_loses_its_job_which_goes_on_on_another(site: SshSite) -> None:
    job = site.add("orphan", LONG)
    worker = site.start()
    site.wait_for_steps(job, 5)
    _, pid = site.process(job)
    os.killpg(pid, signal.SIGKILL)
    site.finish(worker)
    site.all_right(job)
    assert site.log(job).count("submitted as ssh") == 2
    assert site.same_as_alone(job)


def test_pause_cancel_and_a_job_that_fails(site: SshSite) -> None:
    paused, cancelled, bad = site.add("paused", LONG), site.add("cancelled", LONG), site.add("bad")
    site.spoil(bad)
    worker = site.start("--slots", "2")
    site.wait_for_steps(paused, 3)
    actions.pause(site.store, paused.id)
    site.wait_for_steps(cancelled, 3)
    actions.cancel(site.store, cancelled.id)
    site.finish(worker)
    assert [site.state(job) for job in (paused, cancelled, bad)] == ["paused", "cancelled", "failed"]
    assert site.store.job(bad.id).error_code == "model-not-found"
    actions.resume(site.store, paused.id)
    site.finish(site.start())
    assert site.state(paused) == "succeeded"
    assert site.same_as_alone(paused)
