"""What people do to jobs: cancel, retry, pause, resume, reorder, edit, remove.

A job that runs belongs to its worker: it can only be asked to stop (`request`), and does so within a step. Each
function raises UsageError `job-not-found`, or `job-state` where the job's state does not allow it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.queue.job import FINISHED, WAITING, Job, NewJob, State
from skyreels_cli.queue.leases import reap
from skyreels_cli.queue.store import Store, one_output_each, wording

# Positions are halved between neighbours; below this they are numbered anew.
LEAST_GAP = 1e-6

_OPEN = f"state IN {WAITING}"


def cancel(store: Store, number: int) -> Job:
    """End a job: at once if it waits, within a step if it runs. What is rendered stays, for `retry`."""
    with _change(store, number, ("running", *WAITING), "is over already") as (connection, job):
        if job.state == "running":
            connection.execute("UPDATE jobs SET request = 'cancel' WHERE id = ?", (number,))
        else:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE id = ?", (store.now(), number)
            )
    return store.job(number)
