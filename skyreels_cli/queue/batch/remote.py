"""The far end of a job: renders what a folder asks for, and tells of it in that folder."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skyreels_cli.errors import (
    InterruptedError,
    OutOfMemoryError,
    PluginError,
    RetryableError,
    SkyreelsError,
    UsageError,
)
from skyreels_cli.queue.batch.event_log import EventLog
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.device import sample
from skyreels_cli.queue.renderer import Renderer

# A look at a file on a file server.
REQUEST_SECONDS = 1.0
# No handler may raise: an exception in a callback of a C++ library, as while torch is imported, is a SIGABRT.
STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


class FarEnd:
    """Renders one job; a SIGTERM, SIGINT or SIGHUP makes it save a checkpoint and leave."""

    def __init__(self, folder: JobFolder) -> None:
        self.ending: dict[str, Any] = {}
        self._folder = folder
        self._looked_at = 0.0
        self._asked = False
        self._signalled = False

    def run(self) -> None:
        """Render; `ending` is the last event then."""
        command = self._folder.command
        if command is None:
            raise UsageError("no-job", f"{self._folder.path} holds no job", "skyreels queue run --executor NAME")
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._take_signal)
        self._log = EventLog(self._folder.events, _sample)
        try:
            Renderer(self._say, self._is_to_stop).take(command)
        finally:
            written = self._log.close()
        if not written:
            raise SkyreelsError("disk-full", f"{self._folder.events} could not be written", "free some space there")

    def _say(self, event: Mapping[str, Any]) -> None:
        told = dict(event)
        if event["event"] == "job_stopped" and not self._folder.is_asked_to_stop():
            told["event"] = "job_interrupted"
        self.ending = told
        self._log.say(told)

    def _take_signal(self, _number: int, _frame: Any) -> None:
        self._signalled = True

    def _is_to_stop(self, _job: int) -> bool:
        if time.monotonic() - self._looked_at >= REQUEST_SECONDS:
            self._looked_at = time.monotonic()
            self._asked = self._folder.is_asked_to_stop()
        return self._signalled or self._asked


def run_job(folder: Path) -> dict[str, Any]:
    """Render the job in a folder, or go on with it; returns its last event.

    Raises InterruptedError behind a signal, once the film can go on from a checkpoint, and SkyreelsError if the job
    has failed.
    """
    end = FarEnd(JobFolder(folder))
    end.run()
    ending = end.ending
    if ending["event"] == "job_interrupted":
        raise InterruptedError("interrupted", "stopped at a checkpoint", f"skyreels job run {folder}")
    if ending["event"] == "job_failed":
        raise _as_error(ending)
    return ending


def _sample() -> dict[str, Any]:
    return {**sample(os.getpid()), "host": socket.gethostname()}


def _as_error(failed: Mapping[str, Any]) -> SkyreelsError:
    """The error that an event tells of, with the same exit code."""
    kinds = {kind.exit_code: kind for kind in (UsageError, RetryableError, OutOfMemoryError, PluginError)}
    kind = kinds.get(failed["exit_code"], SkyreelsError)
    return kind(failed["code"], failed["message"], failed["hint"])
