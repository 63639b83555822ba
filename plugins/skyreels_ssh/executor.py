"""Starts jobs on hosts, looks whether they are there, and ends them; there is nothing to install but the program."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.plugins.executor import JobPlace
from skyreels_cli.queue.batch.executor import BatchExecutor
from skyreels_ssh.hosts import Hosts
from skyreels_ssh.plugin import SshOptions

BUSY, GONE = 75, 76
# The shell stays until the render has ended, under a name by which it is found; a SIGTERM is for the render.
_START = """\
pgrep -f {any_job} >/dev/null && exit {busy}
test -d {folder} || exit {gone}
{setup}
setsid sh -c 'trap : TERM; "$@"; exit $?' {title} {command} </dev/null >>{folder}/output 2>&1 &
echo $!
"""
_LOOK = "ps -ww -o args= -p {pid} | grep -qF {title}"
_FIND = "pgrep -o -f {title}"
_END = """\
ps -ww -o args= -p {pid} | grep -qF {title} || exit 0
kill -TERM -{pid}
(sleep {seconds}; kill -KILL -{pid}) </dev/null >/dev/null 2>&1 &
"""
# In a job's folder while the answer of a host that is to start it is awaited: the host.
ASKED = "asked"
# From SIGTERM to SIGKILL, as on Slurm.
KILL_SECONDS = 30


class Ssh:
    """Hosts that have a job each; a job's id is `HOST/PID/NAME`."""

    name = "ssh"
    settle_seconds = 0.0

    def __init__(self, options: SshOptions, hosts: Hosts) -> None:
        self.poll_seconds = options.poll
        self._options = options
        self._hosts = hosts
        self._starting = threading.Lock()

    def submit(self, folder: Path, name: str, gpus: int) -> str:
        """Start a job on a host that has none.

        Raises RetryableError `ssh-busy` if there is no such host, `ssh-trouble` if one was lost while it was asked: the
        job may run there. The folder says so too, as the worker may die before it has an answer.
        """
        said = []
        asked = folder / ASKED
        with self._starting:
            for host in self._hosts.names:
                try:
                    self._hosts.run(host, ":")
                except RetryableError as error:  # it has not been asked for anything yet
                    said.append(error.message)
                    continue
                _note(asked, host)
                pid, trouble = self._start(host, folder, name)
                with suppress(OSError):
                    asked.unlink()
                if not trouble:
                    return f"{host}/{pid}/{name}"
                said.append(f"{host} {trouble}")
        raise RetryableError("ssh-busy", f"no host is free: {'; '.join(said)}", "skyreels queue list")

    def find(self, folder: Path, name: str) -> str | None:
        """The job of that name that runs on a host which can be reached.

        RetryableError `ssh-trouble` if it may run on one that cannot, as the answer to its start was lost.
        """
        asked = _asked(folder)
        for host in self._hosts.names:
            try:
                status, pid = self._hosts.run(host, _FIND.format(title=_pattern(host, f"{name} ")))
            except RetryableError:
                if asked == host:
                    raise
                continue
            if status == 0:
                return f"{host}/{pid}/{name}"
        return None

    def look(self, job: str) -> JobPlace:
        """Whether a job's process is there; a host that is not named any more has no jobs."""
        host, pid, name = job.split("/", 2)
        if host in self._hosts.names:
            status, _ = self._hosts.run(host, _LOOK.format(pid=pid, title=shlex.quote(_title(host, name))))
            if status == 0:
                return JobPlace("running", f"ssh on {host}")
        return JobPlace("over", f"ssh {host}, process {pid}")

    def cancel(self, job: str) -> None:
        """End a job: SIGTERM at once, SIGKILL later."""
        host, pid, name = job.split("/", 2)
        if host in self._hosts.names:
            title = shlex.quote(_title(host, name))
            self._hosts.run(host, _END.format(pid=pid, title=title, seconds=KILL_SECONDS))

    def _start(self, host: str, folder: Path, name: str) -> tuple[str, str]:
        """The id of a job's process, and what kept the host from starting it."""
        script = _START.format(
            any_job=_pattern(host, ""),
            busy=BUSY,
            folder=shlex.quote(str(folder)),
            gone=GONE,
            setup=self._options.setup,
            title=shlex.quote(_title(host, name)),
            command=shlex.join([*_skyreels(self._options), "job", "run", str(folder)]),
        )
        status, pid = self._hosts.run(host, script)
        trouble = {0: "", BUSY: "is busy", GONE: f"does not see {folder}"}.get(status, f"ends with status {status}")
        return pid, trouble


def executor(options: SshOptions) -> BatchExecutor:
    """The executor; UsageError `no-ssh` or `no-hosts` if something is missing here."""
    if shutil.which("ssh") is None:
        raise UsageError("no-ssh", "ssh is not installed here", "skyreels queue run --executor local")
    names = [name.strip() for name in options.hosts.split(",") if name.strip()]
    if not names or any(name.startswith("-") or "/" in name for name in names):
        message = "say which hosts: -O ssh.hosts=a,b" if not names else f"no names of hosts: {options.hosts}"
        raise UsageError("no-hosts", message, "skyreels queue run --executor ssh -O ssh.hosts=a,b --slots 2")
    return BatchExecutor(Ssh(options, Hosts(names, options.ssh)))


def _note(asked: Path, host: str) -> None:
    """Note which host is asked; RetryableError `job-folder` if that cannot be done now."""
    try:
        asked.write_text(host, encoding="utf-8")
    except OSError as error:
        message = f"the job's folder {asked.parent} cannot be written: {error.strerror}"
        raise RetryableError("job-folder", message, f"df -h {shlex.quote(str(asked.parent))}") from None


def _asked(folder: Path) -> str:
    """The host that may have started a job without having been heard; "" if there is none."""
    try:
        return (folder / ASKED).read_text(encoding="utf-8")
    except OSError:
        return ""


def _skyreels(options: SshOptions) -> Sequence[str]:
    """How a host starts the program: as it was started here, unless a person says otherwise."""
    return shlex.split(options.command) if options.command else [sys.executable, "-P", "-m", "skyreels_cli"]


def _title(host: str, name: str) -> str:
    """What a job's process is called; several names may mean one machine."""
    return f"skyreels-job@{host}/{name}"


def _pattern(host: str, name: str) -> str:
    """The title for pgrep and the shell."""
    return shlex.quote(re.escape(_title(host, name)))
