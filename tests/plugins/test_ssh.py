"""The executor `ssh` with a program in the place of ssh that runs the scripts on this machine."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from skyreels_ssh import executor as ssh
from skyreels_ssh.executor import Ssh
from skyreels_ssh.hosts import Hosts
from skyreels_ssh.plugin import SshOptions

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.plugins.executor import JobPlace

SSH = """#!/bin/sh
while [ $# -gt 2 ]; do shift; done
[ "$1" = off ] && { echo "ssh: connect to host off port 22: No route to host" >&2; exit 255; }
[ "$1" = blind ] && { sed "s/^test -d/test -f/" | $2; exit; }
case "$1" in weak*)
  script=$(cat)
  [ -e "$CUT" ] && exit 255
  printf '%s\\n' "$script" | $2
  status=$?
  case "$script" in *setsid*) touch "$CUT"; exit 255;; esac
  exit $status
esac
exec $2
"""
RENDERS = """
import signal, sys, time
def leave(*_):
    print("stopped", flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, leave)
print("rendering", sys.argv[1:], flush=True)
time.sleep(60)
"""


class Site:
    """Two hosts of which one is off, and jobs that render until they are ended."""

    def __init__(self, films: Path, *hosts: str) -> None:
        (films / "render.py").write_text(RENDERS)
        command = shlex.join([sys.executable, str(films / "render.py")])
        options = SshOptions(hosts=",".join(hosts), command=command)
        self.films = films
        self.ssh = Ssh(options, Hosts(hosts, "-p 2222"))
        self.jobs: list[str] = []

    def submit(self, film: str) -> str:
        folder = self.films / f"{film}.job"
        folder.mkdir()
        self.jobs.append(self.ssh.submit(folder, film, 1))
        return self.jobs[-1]

    def find(self, film: str) -> str | None:
        return self.ssh.find(self.films / f"{film}.job", film)

    def printed(self, film: str) -> str:
        output = self.films / f"{film}.job" / "output"
        return output.read_text() if output.exists() else ""

    def close(self) -> None:
        for job in self.jobs:
            pid = int(job.split("/")[1])
            if psutil.pid_exists(pid):
                os.killpg(pid, 9)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    films = tmp_path / "films (1)"
    films.mkdir()
    site = Site(films, "off", f"here{os.getpid()}")
    yield site
    site.close()


def until(condition: object) -> None:
    end = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_job_is_started_found_looked_at_and_ended(site: Site) -> None:
    host = f"here{os.getpid()}"
    job = site.submit("swan[1].mp4")
    assert job.startswith(f"{host}/")
    assert job.endswith("/swan[1].mp4")
    until(lambda: "rendering" in site.printed("swan[1].mp4"))
    assert site.printed("swan[1].mp4") == f"rendering ['job', 'run', '{site.films}/swan[1].mp4.job']\n"
    assert site.ssh.look(job) == JobPlace("running", f"ssh on {host}")
    assert site.find("swan[1].mp4") == job
    assert site.find("swan") is None
    site.ssh.cancel(job)
    until(lambda: site.ssh.look(job).state == "over")
    assert site.printed("swan[1].mp4").endswith("stopped\n")
    assert site.find("swan[1].mp4") is None
    site.ssh.cancel(job)


def test_a_host_renders_one_job_at_a_time(site: Site) -> None:
    first = site.submit("a.mp4")
    with pytest.raises(RetryableError) as raised:
        site.submit("b.mp4")
    message = f"no host is free: off: ssh: connect to host off port 22: No route to host; here{os.getpid()} is busy"
    assert (raised.value.code, raised.value.message) == ("ssh-busy", message)
    site.ssh.cancel(first)
    until(lambda: site.ssh.look(first).state == "over")
    assert site.ssh.submit(site.films / "b.mp4.job", "b.mp4", 1)
    site.jobs.append(site.find("b.mp4") or "")


def test_a_host_that_is_lost_while_it_starts_a_job_may_have_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever worker asks, as the one that started the job may be gone."""
    cut = site.films / "cut"
    monkeypatch.setenv("CUT", str(cut))
    hosts = f"weak{os.getpid()}", f"here{os.getpid()}"
    weak, next_worker = Site(site.films, *hosts), Site(site.films, *hosts)
    for ask in (weak.submit, weak.find, next_worker.find):
        with pytest.raises(RetryableError) as raised:
            ask("swan.mp4")
        assert raised.value.code == "ssh-trouble"
    until(lambda: "rendering" in weak.printed("swan.mp4"))
    cut.unlink()
    job = weak.find("swan.mp4")
    assert job is not None
    assert job.startswith(f"weak{os.getpid()}/")
    weak.jobs.append(job)
    weak.close()
    until(lambda: weak.find("swan.mp4") is None)


def test_a_host_that_sees_no_folder_gets_no_job(site: Site) -> None:
    blind = Site(site.films, "blind")
    with pytest.raises(RetryableError, match=r"blind does not see /.+/a\.mp4\.job") as raised:
        blind.submit("a.mp4")
    assert raised.value.code == "ssh-busy"
    assert blind.find("a.mp4") is None


def test_a_folder_that_cannot_be_written_gets_no_job(site: Site) -> None:
    with pytest.raises(RetryableError, match=r"/gone/a\.mp4\.job cannot be written: No such file"):
        site.ssh.submit(Path("/gone/a.mp4.job"), "a.mp4", 1)
    assert site.find("a.mp4") is None


def test_nothing_is_concluded_of_a_host_that_does_not_answer_unless_it_is_not_named_any_more(site: Site) -> None:
    with pytest.raises(RetryableError, match="No route to host"):
        site.ssh.look("off/12/a.mp4")
    assert site.ssh.look("sold/12/a.mp4") == JobPlace("over", "ssh sold, process 12")


@pytest.mark.parametrize("hosts", ["", " , ", "a,-oProxyCommand=sh", "a/b"])
def test_hosts_must_be_named(hosts: str) -> None:
    with pytest.raises(UsageError) as raised:
        ssh.executor(SshOptions(hosts=hosts))
    assert raised.value.code == "no-hosts"


def test_without_ssh_it_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError) as raised:
        ssh.executor(SshOptions(hosts="a"))
    assert raised.value.code == "no-ssh"
