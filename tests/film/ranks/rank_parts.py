"""What the processes of test_launch.py do."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event as Flag
from typing import Any

COLLECTIVE_SECONDS = 3.0


def count_up(rank: int, pipe: Connection, folder: str) -> None:
    """Rank 0 says 1, 2, 3 … and leaves a file for each, the others wait to be ended."""
    from skyreels_cli.film.ranks.parent import ParentProcess

    parent, ending, number = ParentProcess(pipe), Flag(), 0
    while rank:
        time.sleep(1)
    while parent.wants_more(ending):
        number += 1
        (Path(folder) / str(number)).touch()
        of = {"rank": os.environ["RANK"], "of": os.environ["WORLD_SIZE"]}
        parent.tell({**of, "event": number, "ending": ending.is_set()})
    (Path(folder) / f"closed-at-{number}").touch()
    parent.tell(None)


def complain(rank: int, pipe: Connection) -> None:
    """Rank 1 raises an error of the parent's own."""
    from skyreels_cli.errors import OutOfMemoryError
    from skyreels_cli.film.ranks.parent import portable

    if rank == 1:
        try:
            raise OutOfMemoryError("out-of-memory", "rank 1 has no memory", "buy some")
        except OutOfMemoryError as error:
            pipe.send(portable(error))
    time.sleep(600)


def die(rank: int, pipe: Connection) -> None:
    """Rank 1 is killed, and rank 0 says something else."""
    if rank == 1:
        print("goodbye", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    pipe.send(RuntimeError("Connection closed by peer"))
    time.sleep(600)


def late(rank: int, pipe: Connection) -> None:
    """Rank 0 is busy for longer than a collective waits, and then both go on together, several times."""
    import torch
    import torch.distributed as dist

    meeting = _impatient_meeting()
    for _ in range(3):
        if rank == 0:
            time.sleep(1.5 * COLLECTIVE_SECONDS)
        meeting.wait()
        number = torch.ones(1)
        dist.all_reduce(number)
        pipe.send(number.item())
    time.sleep(600)


def disagree(rank: int, pipe: Connection) -> None:
    """Rank 1 leaves out a collective that rank 0 is in, as ranks do that decide differently."""
    import torch
    import torch.distributed as dist

    from skyreels_cli.film.ranks.parent import portable

    meeting = _impatient_meeting()
    meeting.wait()
    try:
        if rank == 0:
            dist.all_reduce(torch.ones(1))
        meeting.wait()
    except RuntimeError as error:
        pipe.send(portable(error))
    time.sleep(600)


def _impatient_meeting() -> Any:
    """One where a collective waits for a second only, and the store is asked again as often."""
    from datetime import timedelta

    from skyreels_cli.film.windows import meeting

    meeting.COLLECTIVE_TIMEOUT = meeting.PATIENCE = timedelta(seconds=COLLECTIVE_SECONDS)
    return meeting.Meeting.join("gloo")
