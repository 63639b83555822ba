"""What the processes of test_launch.py do."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event as Flag


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
