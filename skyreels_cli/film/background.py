"""Work on disk that need not hold up the next step: a thread closes, flushes and records pieces."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self


class Background:
    """A thread with one task at a time; what goes wrong in a task is raised by the next `run` or `wait`."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="film")
        self._task: Future[None] | None = None

    def run(self, task: Callable[[], None]) -> None:
        """Begin a task once the one before is through."""
        self.wait()
        self._task = self._pool.submit(task)

    def wait(self) -> None:
        """Return once nothing is under way."""
        task, self._task = self._task, None
        if task:
            task.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the last task end; its error is not to hide another one."""
        try:
            with suppress(*([Exception] if kind else [])):
                self.wait()
        finally:
            self._pool.shutdown()
