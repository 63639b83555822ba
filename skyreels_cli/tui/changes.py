"""Changes to the queue as a whole or from the form; each returns what was done, in words for a notification."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from skyreels_cli.queue import actions
from skyreels_cli.queue.job import NewJob
from skyreels_cli.queue.store import Store


def add_job(store: Store, new: NewJob) -> str:
    """Append a job."""
    return f"job {store.add(new).id} is queued"


def edit_job(store: Store, number: int, new: NewJob) -> str:
    """Give a job the wording and the priority of another one."""
    actions.edit(store, number, replace(new, output_is_default=False))
    actions.set_priority(store, number, new.priority)
    return f"job {number} is changed"


def pause_queue(store: Store) -> str:
    """Let no job start."""
    actions.pause_all(store)
    return "the queue is paused"


def resume_queue(store: Store) -> str:
    """Let jobs start again."""
    actions.resume_all(store)
    return "the queue goes on"


def stop_worker(store: Store) -> str:
    """Ask the worker to save its film and leave."""
    return "the worker saves its film and stops" if actions.stop_workers(store) else "no worker is running"


def start_worker(store: Store, command: tuple[str, ...]) -> str:
    """Start a worker as a process in a session of its own, which outlives the dashboard; its output goes to a log."""
    if any(worker.alive for worker in store.workers()):
        return "a worker is running already"
    log = store.folder / "logs" / "worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    return f"a worker is starting as process {process.pid}; its log is {log}"
