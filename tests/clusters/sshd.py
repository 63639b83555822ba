"""A real sshd on this machine, for tests: a port, a host key and a user key of its own, all in one folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

PROGRAMS = ("sshd", "ssh", "ssh-keygen")
FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"
CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
"""


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PROGRAMS if _program(name) is None]


class Sshd:
    """The daemon; `options` are what a client must be told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemon: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "config").write_text(CONFIG.format(port=self._port, folder=folder))
        unknown = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        self.options = f"-F none -p {self._port} -i {folder}/user_key {unknown}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        Path("/run/sshd").mkdir(exist_ok=True)  # where it goes when root starts it
        program = _program("sshd")
        assert program
        with (self._folder / "out").open("ab") as out:
            self._daemon = subprocess.Popen([program, "-D", "-e", "-f", self._folder / "config"], stderr=out)
        until = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < until, (self._folder / "out").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """Let nobody in any more, and cut the connections that are."""
        assert self._daemon
        connections = psutil.Process(self._daemon.pid).children(recursive=True)  # what they have started is on its own
        for process in (self._daemon, *connections):
            with suppress(psutil.Error):
                process.kill()
        self._daemon.wait()

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=FOLDERS)
