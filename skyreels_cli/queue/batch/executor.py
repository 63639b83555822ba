"""Makes an executor of a batch system."""

from __future__ import annotations

from typing import Any

from skyreels_cli.plugins.executor import BatchSystem, TellWorker
from skyreels_cli.queue.batch.renderer import FOLLOW_SECONDS, BatchRenderer
from skyreels_cli.queue.device import NOTHING_IN_USE


class BatchExecutor:
    """Each job of the queue becomes a job of a batch system; nothing is shared with it but folders beside the films."""

    elsewhere = True

    def __init__(self, system: BatchSystem, follow_seconds: float = FOLLOW_SECONDS) -> None:
        self._system = system
        self._follow_seconds = follow_seconds

    def start(self, tell: TellWorker) -> BatchRenderer:
        """A slot."""
        return BatchRenderer(self._system, tell, self._follow_seconds)

    def sample(self) -> dict[str, Any]:
        """Nothing: a slot that waits takes no device."""
        return dict(NOTHING_IN_USE)
