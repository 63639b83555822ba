"""Runs shell scripts on hosts through one lasting connection to each."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from weakref import finalize

from skyreels_cli.errors import RetryableError, printable

# A host that is off is found out after ConnectTimeout, one that vanishes after three times ServerAliveInterval.
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ControlMaster=auto",
    "ControlPersist=60",
)
ANSWER_SECONDS = 60.0
# What ssh itself ends with if it does not reach a host.
UNREACHED = 255


class Hosts:
    """Hosts that ssh reaches without asking anything."""

    def __init__(self, names: Sequence[str], ssh: str) -> None:
        self.names = tuple(names)
        sockets = tempfile.mkdtemp(prefix="skyreels-ssh-")  # a socket's path has at most 104 characters
        finalize(self, shutil.rmtree, sockets, ignore_errors=True)
        options = [word for option in (*_OPTIONS, f"ControlPath={sockets}/%C") for word in ("-o", option)]
        self._ssh = ["ssh", "-T", *options, *shlex.split(ssh)]

    def run(self, host: str, script: str) -> tuple[int, str]:
        """Exit status of a script and what it prints; RetryableError `ssh-trouble` if the host cannot be reached.

        The script goes through stdin, so that its text is in no list of processes.
        """
        try:
            ran = subprocess.run(
                [*self._ssh, host, "sh"],
                input=script,
                capture_output=True,
                text=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RetryableError("ssh-trouble", f"{host}: {error}", f"ssh {host} true") from None
        if ran.returncode == UNREACHED:
            lines = ran.stderr.strip().splitlines() or ["no answer"]
            raise RetryableError("ssh-trouble", f"{host}: {printable(lines[-1], 300)}", f"ssh {host} true")
        return ran.returncode, ran.stdout.strip()
