"""A batch system in this process: its nodes take jobs in random order, and everything goes wrong now and then."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from skyreels_cli.errors import RetryableError
from skyreels_cli.plugins.executor import JobPlace
from skyreels_cli.queue.batch.event_log import EventLog
from skyreels_cli.queue.batch.folder import JobFolder

from .fake_renderer import Renderer

SAMPLE = {"ram_used_bytes": 7, "ram_total_bytes": 8, "cpu_percent": 1.0, "renderer_bytes": 5, "gpus": []}


class NodeFailure(BaseException):
    """A node goes down within a film."""


class Preemption(BaseException):
    """A node is wanted for something else; the film is at a checkpoint."""


@dataclass
class FakeJob:
    folder: JobFolder
    name: str
    gpus: int
    state: Literal["waiting", "running", "over"] = "waiting"
    end: Literal["", "memory", "cancelled"] = ""
    writes: int = 0


class FakeCluster:
    """`trouble` is how likely each call and each event of a film goes wrong; `nodes` 0 runs nothing by itself."""

    name = "fake"
    poll_seconds = 0.005
    settle_seconds = 0.01

    def __init__(self, nodes: int = 4, trouble: float = 0.0, seed: int = 1, seconds_per_write: float = 0.005) -> None:
        self.jobs: dict[str, FakeJob] = {}
        self.counts: Counter[str] = Counter()
        self.answers = True
        self._trouble = trouble
        self._seconds_per_write = seconds_per_write
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._closing = False
        self._threads = [threading.Thread(target=self._node, daemon=True) for _ in range(nodes)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing = True
        for thread in self._threads:
            thread.join(60)

    # --- what an executor's plugin has

    def submit(self, folder: Path, name: str, gpus: int) -> str:
        self._hesitate("submit")
        with self._lock:
            job = str(len(self.jobs) + 1)
            self.jobs[job] = FakeJob(JobFolder(folder), name, gpus)
        self._hesitate("submitted, and not told")
        return job

    def find(self, folder: Path, name: str) -> str | None:
        self._hesitate("find")
        with self._lock:
            found = [number for number, job in self.jobs.items() if job.name == name and job.state != "over"]
        return found[0] if found else None

    def look(self, job: str) -> JobPlace:
        self._hesitate("look")
        found = self.jobs[job]
        return JobPlace(found.state, f"fake {job}", found.end)

    def cancel(self, job: str) -> None:
        self._hesitate("cancel")
        with self._lock:
            if self.jobs[job].state != "over":
                self.jobs[job].state, self.jobs[job].end = "over", "cancelled"

    # --- what happens there

    def run(self, job: str) -> None:
        """Run a job on the thread that calls."""
        found = self.jobs[job]
        found.state = "running"
        command = found.folder.command
        if command is None:
            found.state = "over"
            return
        with self._log(found) as log:
            self._render(found, command, log)

    def _render(self, found: FakeJob, command: dict[str, Any], log: EventLog) -> None:
        end: Literal["waiting", "over"] = "over"
        try:
            FarRenderer(self, found, log).take(command)
        except Preemption:
            log.say({"event": "job_interrupted", "job": command["job"]})
            end = "waiting" if self._chance(0.5) else "over"  # some clusters put it back into the line
        except NodeFailure:
            pass
        log.close()
        with self._lock:
            found.state = end if found.end == "" else "over"

    @contextmanager
    def _log(self, found: FakeJob) -> Iterator[EventLog]:
        yield EventLog(found.folder.events, lambda: SAMPLE, self._seconds_per_write)

    def _node(self) -> None:
        while not self._closing:
            with self._lock:
                waiting = [number for number, job in self.jobs.items() if job.state == "waiting"]
                chosen = self._random.choice(waiting) if waiting else None
                if chosen:
                    self.jobs[chosen].state = "running"
            if chosen:
                self.run(chosen)
            else:
                time.sleep(0.002)

    def disturb(self, found: FakeJob) -> None:
        """Perhaps end a film in the middle."""
        if found.state == "over" or self._chance(self._trouble):
            self.counts["node failure"] += 1
            raise NodeFailure
        if self._chance(self._trouble):
            self.counts["preemption"] += 1
            raise Preemption

    def _hesitate(self, call: str) -> None:
        if not self.answers or self._chance(self._trouble):
            self.counts[call] += 1
            raise RetryableError("fake-trouble", f"{call}: no answer")

    def _chance(self, how_likely: float) -> bool:
        with self._lock:
            return self._random.random() < how_likely


class FarRenderer(Renderer):
    """The fake renderer, as the far end of a job."""

    def __init__(self, cluster: FakeCluster, found: FakeJob, log: EventLog) -> None:
        super().__init__()
        self.stopped = Asked(found)
        self._cluster = cluster
        self._found = found
        self._log = log

    def say(self, **event: Any) -> None:
        if event["event"] != "film_done":
            self._cluster.disturb(self._found)
        self._log.say(event)


class Asked:
    """Stands for the set of jobs that are to stop."""

    def __init__(self, found: FakeJob) -> None:
        self._found = found

    def __contains__(self, job: object) -> bool:
        return self._found.folder.is_asked_to_stop()


def endings(events: list[Mapping[str, Any]]) -> Counter[int]:
    """How often each job came to an end for good."""
    final = ("succeeded", "failed", "cancelled")
    return Counter(event["job"] for event in events if event["event"] == "job_ended" and event["state"] in final)
