"""Queues in temporary folders, and renderers that cost nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from skyreels_local.executor import Local

from skyreels_cli.queue.job import Job, NewJob
from skyreels_cli.queue.store import FinishedFilm, Store
from skyreels_cli.queue.supervisor import StopSignals, Supervisor
from skyreels_cli.queue.worker_config import WorkerConfig

from .fake_renderer import complete, film_text, plan

if TYPE_CHECKING:
    from .cluster import Cluster

FAKE = [sys.executable, "-S", "-E", str(Path(__file__).with_name("fake_renderer.py"))]
PLACEMENT = {"device": "auto", "offload": "none", "attention": "auto", "gpus": 1}
# Nothing here waits for longer than the test itself makes it wait.
CONFIG = WorkerConfig(PLACEMENT, poll_seconds=0.02, heartbeat_seconds=0.05, grace_seconds=60.0, retry_seconds=0.05)


def new_job(output: Path, prompt: str = "a red ball", **fake: Any) -> NewJob:
    """A job for the fake renderer; what it knows as fields of a recipe may be given beside its script."""
    fields = {name: fake.pop(name) for name in ("seed", "model", "base_num_frames", "dtype", "image") if name in fake}
    jobs = {name: fake.pop(name) for name in NewJob.__dataclass_fields__ if name in fake}
    draft = {"schema": 1, "prompt": prompt, "seed": 7, **fields, "options": {"fake": fake}}
    recipe = complete(draft)
    return NewJob(draft=draft, recipe=recipe, plan=plan(recipe), output=output, **jobs)


def film(job: int, **changed: object) -> FinishedFilm:
    """A line of the history."""
    made = FinishedFilm(
        job=job, finished_at=100.0, prompt="a ball", output="/a.mp4", model="df", dtype="bfloat16", resolution="80x48",
        frames=97, steps=30, device="cuda:0", offload="none", step_seconds=1.5, flops_per_second=4e14, elapsed_s=50.0,
        peak_memory_bytes=10**10,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


def film_of(job: Job) -> str:
    """What the job's film must contain."""
    return film_text(complete(job.draft))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty queue."""
    store = Store(tmp_path / "queue")
    yield store
    store.database.close()


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Where the films go."""
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What the fake renderer has loaded and finished so far."""
    file = tmp_path / "ledger"
    monkeypatch.setenv("FAKE_LEDGER", str(file))
    return lambda: file.read_text().splitlines() if file.exists() else []


class Night:
    """A supervisor run in the test's own thread; `events` is what its listener was told."""

    def __init__(self, store: Store, *configs: WorkerConfig) -> None:
        self.store = store
        self.configs = configs or (CONFIG,)
        self.events: list[dict[str, Any]] = []
        self.signals = StopSignals()
        self.hooks: list[Callable[[dict[str, Any]], None]] = []

    def run(self, *, once: bool = True) -> Supervisor:
        """Work until nothing is left, or until a hook sends a signal."""
        supervisor = Supervisor(self.store, self.configs, Local(FAKE), self._listen)
        supervisor.run(self.signals, once=once)
        return supervisor

    def on(self, event: str, act: Callable[[dict[str, Any]], None]) -> None:
        """Do something the first time that an event comes."""

        def hook(told: dict[str, Any]) -> None:
            if told["event"] == event:
                self.hooks.remove(hook)
                act(told)

        self.hooks.append(hook)

    def names(self) -> list[str]:
        """The events by name."""
        return [event["event"] for event in self.events]

    def _listen(self, event: Any) -> None:
        self.events.append(dict(event))
        for hook in list(self.hooks):
            hook(dict(event))


@pytest.fixture
def night(store: Store) -> Night:
    """One worker with the fake renderer."""
    return Night(store)


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The condition's value once it is true; an assertion error if that takes too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited in vain")


@pytest.fixture
def cluster(store: Store, films: Path) -> Iterator[Cluster]:
    """A queue on a batch system that is made up."""
    from .cluster import Cluster

    cluster = Cluster(store, films)
    yield cluster
    cluster.fake.close()
