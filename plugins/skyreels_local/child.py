"""The renderer as a child process of the worker: commands go to it, events come from it, and it can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from skyreels_cli.errors import OutOfMemoryError, SkyreelsError
from skyreels_cli.plugins.executor import TellWorker
from skyreels_cli.queue.device import oom_kills, sample

# What a dying process printed last may reach us after the news of its death.
LAST_WORDS_SECONDS = 2.0
# A process that hangs in a driver cannot be killed at once; the worker does not wait for longer.
KILL_SECONDS = 5.0
SIGKILL = getattr(signal, "SIGKILL", 9)


class Child:
    """One renderer process, in a session of its own: Ctrl-C in the worker's terminal does not reach it."""

    keeps_model = True

    def __init__(self, command: Sequence[str], tell: TellWorker) -> None:
        self._tell = tell
        self.log: Callable[[str], object] = str  # replaced with each job, by that job's log
        self.heard_at = time.monotonic()
        self._job = 0
        self._oom_kills = oom_kills()
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._stderr_reader = threading.Thread(target=self._take_log, daemon=True)
        self._stderr_reader.start()
        threading.Thread(target=self._hear, daemon=True).start()

    def send(self, command: Mapping[str, Any]) -> None:
        """Send a command; of a child that has died meanwhile the event `exited` tells."""
        assert self._process.stdin is not None
        self._job = command["job"]
        with suppress(OSError, ValueError):
            print(json.dumps(command), file=self._process.stdin, flush=True)

    def kill(self) -> None:
        """Kill it with the processes it has started (ffmpeg, ranks); films are resumable after that at any moment."""
        with suppress(OSError):
            if self._process.poll() is None and os.name == "posix":
                os.killpg(self.pid, signal.SIGKILL)
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)
        self._close_stdin()

    def let_go(self) -> None:
        """Kill it, as nobody else can hear it."""
        self.kill()

    def sample(self) -> dict[str, Any]:
        """What is in use on this machine, and by this process."""
        return sample(self.pid)

    def _hear(self) -> None:
        for line in _open(self._process.stdout):
            event = _parsed(line)
            if event:
                self.heard_at = time.monotonic()
                self._tell(self, event)
            else:
                self.log(line)
        status = self._process.wait()
        self._close_stdin()
        self._stderr_reader.join(LAST_WORDS_SECONDS)
        for_memory = status == -SIGKILL and oom_kills() > self._oom_kills
        self._tell(self, {"event": "exited", "error": death_record(self._job, status, for_memory=for_memory)})

    def _take_log(self) -> None:
        for line in _open(self._process.stderr):
            self.log(line)

    def _close_stdin(self) -> None:
        with suppress(OSError, ValueError):
            _open(self._process.stdin).close()


def _parsed(line: str) -> dict[str, Any] | None:
    """An event of the protocol; None for anything else that got printed."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def death_record(job: int, status: int, *, for_memory: bool) -> dict[str, Any]:
    """The error record of a job whose renderer ended by itself."""
    what = describe_exit(status)
    return {
        "code": "renderer-died",
        "message": f"{what}, as the system had run out of memory" if for_memory else what,
        "hint": f"skyreels queue logs {job}",
        "exit_code": OutOfMemoryError.exit_code if for_memory else SkyreelsError.exit_code,
    }


def describe_exit(status: int) -> str:
    """`the renderer was killed by SIGSEGV` or `the renderer ended with status 1`."""
    if status >= 0:
        return f"the renderer ended with status {status}"
    try:
        return f"the renderer was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"the renderer was killed by signal {-status}"


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None, "both streams are pipes"
    return stream
