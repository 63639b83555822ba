"""A command on a terminal of its own, as a person has it, and how it leaves that terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Alternate screen, mouse in its dialects, focus and bracketed paste: off again at the end; the cursor: shown.
MODES = {"1049": "l", "1000": "l", "1002": "l", "1003": "l", "1006": "l", "1004": "l", "2004": "l", "25": "h"}
PATIENCE = 90.0


def environment(**changes: str) -> dict[str, str]:
    """This process's, with the checkout on the path and a capable terminal."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    return {**os.environ, "PYTHONPATH": path, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1", **changes}


def command(*words: str) -> list[str]:
    """`skyreels …` by this Python."""
    return [sys.executable, "-m", "skyreels_cli", *words]


class Terminal:
    """A pseudo-terminal of 80x24 with a process that it controls; `said` is all that was written to it."""

    def __init__(self, words: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self._theirs)
        self.said = b""
        self.process = subprocess.Popen(
            command(*words),
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            cwd=folder,
            env=env or environment(),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call, no lock
        )
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, text: str) -> None:
        """Wait until something has been said."""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.said and self.process.poll() is None:
            assert time.monotonic() < deadline, self.said[-2000:].decode(errors="replace")
            time.sleep(0.02)
        assert text.encode() in self.said, self.said[-2000:].decode(errors="replace")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        time.sleep(0.2)
        return status

    def hang_up(self) -> int:
        """Close the terminal, as a closed window or a lost connection does; returns the exit status."""
        os.close(self._theirs)
        os.close(self._ours)
        return self.process.wait(PATIENCE)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def answer(self) -> None:
        """Called whenever something has been said, for a terminal that answers questions."""

    def unrestored(self) -> list[str]:
        """What is not as it was before: modes by number, `termios`."""
        found = ["termios"] if termios.tcgetattr(self._theirs) != self.before else []
        for mode, wanted in MODES.items():
            settings = re.findall(rb"\x1b\[\?" + mode.encode() + rb"([hl])", self.said)
            if settings and settings[-1].decode() != wanted:
                found.append(mode)
        return found

    def _read(self) -> None:
        with suppress(OSError):
            while read := os.read(self._ours, 65536):
                self.said += read
                self.answer()
