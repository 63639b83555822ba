"""Starts the ranks of films, one process for each GPU, passes on what they say, and ends them.

Rank 0 does all that a single process would (texts, VAE, encoding, the work folder) and sends each window to the others,
which have only a transformer. So the text encoder is loaded once, and a film may be resumed on any number of GPUs. For
whoever listens rank 0 is a generator like any other: it goes on when it is asked for the next event, and stops where it
is closed.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag
from types import TracebackType
from typing import Any, Self

from torch.distributed import TCPStore  # type: ignore[attr-defined] # it is in their documentation
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, PContext, Std, start_processes

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.events import Event
from skyreels_cli.film.rendering import Rendering

LOCALHOST = "127.0.0.1"
# How often a look is taken at who is still alive.
POLL_SECONDS = 0.2
# Where a rank dies the others report failed collectives, maybe before it is seen that it is dead.
DEATH_SEEN_SECONDS = 2.0
LOG_LINES = 20
# They report dead processes on stderr; here an error does.
LOGGERS = ("torch.distributed.elastic.multiprocessing.api", "torch.multiprocessing.spawn")


class Ranks:
    """Processes that run `work(rank, pipe, *arguments)` in torch.distributed's environment, ended when it is left.

    Torch elastic starts them, with a c10d store of ours to meet at; none is restarted, for films can be resumed.
    """

    def __init__(self, count: int, work: Callable[..., None], *arguments: Any) -> None:
        self._count = count
        self._work = work
        self._arguments = arguments

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="skyreels-ranks-")
        self._store = TCPStore(LOCALHOST, 0, is_master=True, wait_for_workers=False)
        pipes = [Pipe() for _ in range(self._count)]
        self._pipes = [ours for ours, _ in pipes]
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with _signal_handlers_kept():
            self._processes: PContext = start_processes(
                "skyreels",
                self._work,
                args={rank: (rank, theirs, *self._arguments) for rank, (_, theirs) in enumerate(pipes)},
                envs={rank: self._environment(rank) for rank in range(self._count)},
                logs_specs=DefaultLogsSpecs(self._folder.name, redirects=Std.ALL),
                start_method="spawn",
            )
        for _, theirs in pipes:
            theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes: what rank 0 has finished is on disk, and the others have nothing that is not there."""
        self._processes.close()
        for pipe in self._pipes:
            pipe.close()
        self._folder.cleanup()

    @property
    def pids(self) -> list[int]:
        """Process numbers, by rank."""
        return list(self._processes.pids().values())

    def film(self, rendering: Rendering, ending: Flag, expected: Sequence[str] = ()) -> Generator[Event]:
        """The events of a film that the ranks make; prompts that are `expected` after it are encoded along with its."""
        for pipe in self._pipes:
            with suppress(OSError):  # a dead rank is an error in `hear`
                pipe.send((rendering, expected))
        yield from self.events(ending)

    def events(self, ending: Flag) -> Generator[Event]:
        """What rank 0 yields, one event at a time; closing this generator closes the one in rank 0."""
        try:
            while True:
                self._ask(ending.is_set())
                event = self.hear()
                if event is None:
                    return
                yield event
        except GeneratorExit:
            self._ask(None)
            self.hear()
            raise

    def hear(self) -> Any:
        """The next thing that a rank sends; raises what a rank has raised, SkyreelsError `rank-died` if one died."""
        while True:
            for pipe in wait(self._pipes, POLL_SECONDS):
                assert isinstance(pipe, Connection)
                with suppress(EOFError, OSError):
                    said = pipe.recv()
                    if isinstance(said, Exception):
                        self._raise(said)
                    return said
            self._look_for_dead(0)

    def _ask(self, ending: bool | None) -> None:
        """Have rank 0 go on, and say whether the film is `ending`; None has it stop."""
        with suppress(OSError):  # a dead rank is an error in `hear`
            self._pipes[0].send(ending)

    def _raise(self, error: Exception) -> None:
        """Raise the error of a rank, or `rank-died` if it may come from another rank's death."""
        if not isinstance(error, SkyreelsError):
            self._look_for_dead(DEATH_SEEN_SECONDS)
        raise error

    def _look_for_dead(self, seconds: float) -> None:
        ended = self._processes.wait(seconds, POLL_SECONDS)
        for rank, failure in ended.failures.items() if ended else ():
            killed, status = failure.exitcode < 0, failure.exitcode
            died = f"was killed by {failure.signal_name()}" if killed else f"ended with status {status}"
            message = f"rank {rank} of {self._count} {died}{self._end_of_log(rank)}"
            raise SkyreelsError("rank-died", message, "what is done is kept: skyreels resume goes on from there")

    def _end_of_log(self, rank: int) -> str:
        log = Path(self._processes.stderrs[rank])
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        return "".join(["; the end of its log:", *(f"\n  {line}" for line in lines[-LOG_LINES:])]) if lines else ""

    def _environment(self, rank: int) -> dict[str, str]:
        count = str(self._count)
        return {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": count,
            "LOCAL_WORLD_SIZE": count,
            "MASTER_ADDR": LOCALHOST,
            "MASTER_PORT": str(self._store.port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RUN_ID": "film",
            "TORCHELASTIC_RESTART_COUNT": "0",
        }


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Put signal handlers back that torch elastic replaces when it starts processes."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError):  # in another thread than the main one torch leaves them alone
                signal.signal(number, handler)
