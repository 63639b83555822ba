"""Carries out a planned download: several files at once, each resumed and tried again, recorded from the beginning."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Protocol

from skyreels_cli.errors import RetryableError, SkyreelsError
from skyreels_cli.hub.download.failures import as_error
from skyreels_cli.hub.download.listing import RemoteFile
from skyreels_cli.hub.download.planned import DownloadPlan
from skyreels_cli.hub.download.record import DownloadRecord, begun_record
from skyreels_cli.hub.folder import read_family
from skyreels_cli.hub.hashes import remember

INDEX = "model_index.json"
FILES_AT_ONCE = 4
"""More only share the line; fewer leave it idle while a file is checked."""

PAUSES = (1, 2, 5, 10, 30, 60)
"""Seconds before a file is tried again; bytes that arrived begin the count anew."""


class DownloadProgress(Protocol):
    """Somebody who wants to know; called from several threads."""

    def begun(self, file: RemoteFile, present: int) -> None:
        """A file is being fetched, of which so many bytes are here."""

    def advanced(self, file: RemoteFile, count: int) -> None:
        """So many more bytes; negative if some had to be thrown away."""

    def waiting(self, file: RemoteFile, seconds: float, reason: str) -> None:
        """The file failed and is tried again."""

    def done(self, file: RemoteFile) -> None:
        """A file is complete and checked."""


class Stopped(BaseException):
    """Ends a thread that fetches, whatever the client would make of an Exception."""


def run_download(plan: DownloadPlan, watch: DownloadProgress) -> DownloadRecord:
    """Fetch what is missing. However it ends, the same download goes on with what has arrived.

    Raises `disk-too-small` before it begins, `model-family` once the index shows another kind of model, and what
    `as_error` makes of the failures of clients.
    """
    plan.require_space()
    record = _record(plan)
    record.save()
    index = [file.remote for file in plan.files if file.remote.path == INDEX]
    _fetch_all(plan, index, watch)
    if index:
        read_family(plan.folder, plan.wanted.repo)
    _fetch_all(plan, [file.remote for file in plan.files if file.remote.path != INDEX], watch)
    plan.source.finish(plan.listing, plan.wanted.to)
    _remember_hashes(plan)
    finished = record.model_copy(update={"finished": datetime.now().astimezone()})
    finished.save()
    return finished


def _record(plan: DownloadPlan) -> DownloadRecord:
    """The record of this download; what an earlier one left in the folder stays a part of it."""
    record = begun_record(
        plan.listing,
        tuple(file.remote for file in plan.files),
        model=plan.wanted.model,
        layout=plan.layout,
        parts=plan.wanted.parts,
        folder=plan.folder,
        into_folder=plan.wanted.to is not None,
    )
    before = plan.record
    if before and before.revision == record.revision:
        parts = dict.fromkeys((*before.parts, *record.parts))
        return record.model_copy(update={"files": {**before.files, **record.files}, "parts": tuple(parts)})
    return record


def _fetch_all(plan: DownloadPlan, files: Iterable[RemoteFile], watch: DownloadProgress) -> None:
    """Small files first, so that a repository that is not what it seems is soon found out."""
    stop = Event()
    with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="download") as pool:
        by_size = sorted(files, key=lambda file: file.size)
        futures = [pool.submit(_fetch, plan, file, watch, stop) for file in by_size]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:  # after a failure, and after Ctrl-C
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _fetch(plan: DownloadPlan, file: RemoteFile, watch: DownloadProgress, stop: Event) -> None:
    """One file, until it is complete, or until there is no use in trying again."""
    attempts = 0

    def advance(count: int) -> None:
        nonlocal attempts
        if stop.is_set():
            raise Stopped
        attempts = 0 if count > 0 else attempts
        watch.advanced(file, count)

    watch.begun(file, plan.source.present(plan.listing, file, plan.wanted.to))
    while True:
        try:
            plan.source.fetch(plan.listing, file, plan.wanted.to, advance)
            break
        except Exception as failure:
            error = as_error(failure, plan.wanted)
            if not isinstance(error, RetryableError) or attempts >= len(PAUSES):
                raise error from failure
            _pause(attempts, error, lambda seconds, reason: watch.waiting(file, seconds, reason), stop)
            attempts += 1
    watch.done(file)


def _pause(attempt: int, error: SkyreelsError, tell: Callable[[float, str], None], stop: Event) -> None:
    """Wait a little longer each time, and not as long as the other files, which failed at the same moment."""
    seconds = PAUSES[attempt] * random.uniform(0.75, 1.25)
    tell(seconds, error.message)
    if stop.wait(seconds):
        raise Stopped


def _remember_hashes(plan: DownloadPlan) -> None:
    """The hashes were checked while the files came in, so nobody needs to compute them again."""
    for file in plan.files:
        if file.remote.sha256:
            with suppress(OSError):
                remember(Path(plan.folder, file.remote.path), file.remote.sha256)
