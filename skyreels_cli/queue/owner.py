"""Identifies the process that holds a job; reused pids and clocks that are set cannot make it look like another one."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from sqlite3 import Row
from uuid import uuid4

import psutil


@dataclass(frozen=True)
class Owner:
    """A worker: `id` is new for each registration; `started` is its process's start, in the kernel's terms."""

    id: str
    host: str
    pid: int
    started: str
    boot: str
    pid_space: str

    def is_dead(self) -> bool:
        """Whether its process is certainly gone; False too where one cannot know (another container)."""
        if self.boot != boot_id():
            return True
        return self.pid_space == pid_space() and process_start(self.pid) != self.started


def this_process() -> Owner:
    """The current process, under a new id."""
    pid = os.getpid()
    started = process_start(pid)
    assert started is not None, "this process runs"
    return Owner(uuid4().hex, socket.gethostname(), pid, started, boot_id(), pid_space())


def is_stale(worker: Row, now: float) -> bool:
    """Whether a row of `workers` no longer counts: its process is gone, or its lease ran out.

    The lease is counted on `uptime()`, `now` included: setting the wall clock makes no lease longer or shorter.
    """
    owner = Owner(*(worker[name] for name in ("id", "host", "pid", "started", "boot", "pid_space")))
    return owner.is_dead() or now - worker["heartbeat_uptime"] > worker["lease_seconds"]


def uptime() -> float:
    """Seconds on a clock that all processes of a machine share and nobody can set; it may stop while asleep."""
    return time.monotonic()


def process_start(pid: int) -> str | None:
    """The start time of a process, as text to compare; None if there is no such process.

    On Linux in ticks since boot: psutil reckons from the wall clock there, and a clock that was set between two
    looks would make a living process look like another one.
    """
    with suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = status.rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]
    if Path("/proc/self/stat").exists():
        return None
    with suppress(psutil.Error):
        return str(psutil.Process(pid).create_time())
    return None


@cache
def boot_id() -> str:
    """An id that changes with each boot; empty where the system has none."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return ""


@cache
def pid_space() -> str:
    """An id of the pid namespace: containers have their own, in which the same pid is another process."""
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return socket.gethostname()
