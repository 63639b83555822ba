"""What an executor must do: start renderers somewhere, and say how they are going.

A renderer takes commands and tells events, as `skyreels_cli.queue.renderer` describes them. For a batch system (Slurm
and its like) it is enough to write a `BatchSystem`: `skyreels_cli.queue.batch.executor` makes an executor of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias


class RendererHandle(Protocol):
    """One renderer, as its worker sees it. No call may take longer than a few seconds."""

    keeps_model: bool
    """Whether the next job of the same model finds it loaded."""
    log: Callable[[str], object]
    """Takes what the renderer prints; set anew for each job."""
    heard_at: float
    """When it last was well, by `time.monotonic()`: it waits its turn, or has given a sign of life."""

    def send(self, command: Mapping[str, Any]) -> None:
        """Pass on a command of the protocol; one that cannot be passed on is told by the event `exited`."""
        ...

    def kill(self) -> None:
        """End the renderer and what it has started, at once; nothing is told of it any more."""
        ...

    def let_go(self) -> None:
        """Its job may be another worker's by now: end what nobody but this process can hear, and leave the rest."""
        ...

    def sample(self) -> dict[str, Any]:
        """What is in use where it runs, with the keys of `queue.device.sample`, and `place`: where that is.

        `place` is there for a job elsewhere: `{"state": "waiting" or "running", "text": "slurm 4711, 3rd"}`.
        """
        ...


ENDINGS = ("film_done", "job_stopped", "job_failed")
"""The last event of a job is one of these."""

TellWorker: TypeAlias = Callable[[RendererHandle, dict[str, Any]], object]
"""Takes the events of a renderer; the last is `{"event": "exited", "error": {code, message, hint, exit_code}}`."""


class Executor(Protocol):
    """Starts renderers: one for each worker."""

    elsewhere: bool
    """Whether jobs run on other machines: `--slots` says how many at a time, and no device of this one is taken."""

    def start(self, tell: TellWorker) -> RendererHandle:
        """A renderer that waits for its first command."""
        ...

    def sample(self) -> dict[str, Any]:
        """What is in use while no renderer is there; the keys of `queue.device.sample`."""
        ...


@dataclass(frozen=True)
class JobPlace:
    """Where a job of a batch system is; `text` tells it to people: `slurm 4711, 3rd`, `slurm 4711 on n2`.

    `end` is why a job that is over has ended, where that matters: it had too little memory, or somebody cancelled it.
    """

    state: Literal["waiting", "running", "over"]
    text: str
    end: Literal["", "memory", "cancelled"] = ""


class BatchSystem(Protocol):
    """Runs `skyreels job run FOLDER` on a machine that shares the folder. Calls come from several threads.

    All raise RetryableError if the system does not answer: nothing is concluded from that. The command ends with
    status 0 if its film is done or was to stop, and with 130 at a checkpoint behind a SIGTERM: it may be started again
    in the same folder, and goes on from there. Every other status is a failure that the folder tells of.
    """

    name: str
    """What people call it."""
    poll_seconds: float
    """How often it can be asked for a job's place."""
    settle_seconds: float
    """How long a job may seem to be over while it is put back into the line."""

    def submit(self, folder: Path, name: str, gpus: int) -> str:
        """Queue the command under a name, with so many GPUs of one machine; returns the job's id."""
        ...

    def find(self, folder: Path, name: str) -> str | None:
        """The id of the job of that folder and name that waits or runs; None if there is none."""
        ...

    def look(self, job: str) -> JobPlace:
        """Where a job is; one that nobody knows any more is over."""
        ...

    def cancel(self, job: str) -> None:
        """End a job, whether it waits or runs; one that is over is left alone."""
        ...
