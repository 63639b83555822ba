"""Where the ranks of a film wait for each other, for as long as it takes.

Rank 0 may take long between two steps: it loads the text encoder from a slow disk, decodes and encodes a window, writes
a checkpoint, or is not asked for the next event. A collective that waits for it would need a time-out of days, and then
ranks that hang would do so for days. So ranks wait in the store in which torch.distributed has met, with no limit, and
begin the collectives of each step together: there, minutes are enough (`COLLECTIVE_TIMEOUT`). A rank that dies is seen
by the process that has started it, and a rank whose starter is gone ends itself.
"""

from __future__ import annotations

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed import (  # type: ignore[attr-defined] # they are in its documentation
    DistStoreError,
    PrefixStore,
    Store,
    TCPStore,
)

from skyreels_cli.film.windows.denoising import WindowTask

COLLECTIVE_TIMEOUT = timedelta(minutes=10)
# A wait in the store is repeated after this long; it ends no earlier for it.
PATIENCE = timedelta(minutes=5)
CPU = torch.device("cpu")


class Meeting:
    """All ranks at one point, again and again; each must call the same methods in the same order."""

    def __init__(self, store: Store, rank: int, count: int) -> None:
        self._store = store
        self._rank = rank
        self._count = count
        self._number = 0

    @classmethod
    def join(cls, backend: str) -> Meeting:
        """Set up torch.distributed with the environment that `Ranks` gives a rank, and meet the others."""
        dist.init_process_group(backend, timeout=COLLECTIVE_TIMEOUT)
        store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
        return cls(PrefixStore("meeting", store), dist.get_rank(), dist.get_world_size())

    def wait(self) -> None:
        """Return once every rank is here."""
        self._number += 1
        is_last = self._store.add("arrived", 1) == self._number * self._count
        if is_last:
            self._store.set(f"open {self._number}", "")
            self._store.delete_key(f"open {self._number - 1}")  # all have passed it, for all are here
            return None
        while True:
            try:
                return self._store.wait([f"open {self._number}"], PATIENCE)
            except DistStoreError:
                continue

    def share(self, task: WindowTask | None) -> None:
        """Rank 0: have the other ranks begin a window as well, or end if there is none; they must `hear` it."""
        self.wait()
        dist.broadcast_object_list([task and task.on(CPU)], device=CPU)

    def hear(self, device: torch.device) -> WindowTask | None:
        """Any other rank: the next task of rank 0, its tensors on a device."""
        self.wait()
        tasks: list[WindowTask | None] = [None]
        dist.broadcast_object_list(tasks, device=CPU)
        return tasks[0] and tasks[0].on(device)
