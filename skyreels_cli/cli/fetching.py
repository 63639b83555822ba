"""Carries out a download while somebody watches: licence, bars, and the question whether to begin at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from skyreels_cli.cli.monitor import interactive
from skyreels_cli.errors import InterruptedError
from skyreels_cli.output import Output, byte_size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from skyreels_cli.hub.download.listing import RemoteFile
    from skyreels_cli.hub.download.planned import DownloadPlan
    from skyreels_cli.hub.download.record import DownloadRecord
    from skyreels_cli.hub.download.run import DownloadProgress
    from skyreels_cli.hub.located import ModelNotHere

EVENT_SECONDS = 0.5
NAME_WIDTH = 34


def fetch_if_wanted(missing: ModelNotHere, out: Output) -> bool:
    """Ask whether to fetch a model that a command needs, and fetch it; false where nobody can be asked, or says no."""
    if not interactive(out):
        return False
    from skyreels_cli.hub.download.planned import plan_download
    from skyreels_cli.hub.download.wanted import wanted

    plan = plan_download(wanted(missing.model, only=missing.only))
    out.narrate(f"{missing.message.partition(':')[0]}.")
    out.narrate(f"{byte_size(plan.missing)} would come from {plan.listing.repo} to {plan.folder}.")
    if not typer.confirm("Download it now?", default=False, err=True):
        return False
    fetch(plan, out)
    return True


def fetch(plan: DownloadPlan, out: Output) -> DownloadRecord:
    """Download what the plan says; Ctrl-C leaves a state from which the same command goes on."""
    from skyreels_cli.hub.download.run import run_download

    _show_licence_once(plan, out)
    try:
        with _watch(plan, out) as watch:
            return run_download(plan, watch)
    except KeyboardInterrupt:
        message = f"interrupted; what has arrived of {plan.wanted.model} is kept"
        raise InterruptedError("interrupted", message, plan.wanted.command) from None


def _show_licence_once(plan: DownloadPlan, out: Output) -> None:
    from skyreels_cli.hub.download.licences import is_new

    licence = plan.wanted.licence
    name = licence.name if licence else plan.listing.licence
    if name and is_new(name, plan.listing.repo):
        where = f": {licence.url}" if licence else f", see {plan.listing.repo}"
        out.narrate(f"These weights are published under {name}{where}")


@contextmanager
def _watch(plan: DownloadPlan, out: Output) -> Iterator[DownloadProgress]:
    if out.animated:
        with _progress(out) as progress:
            yield Bars(progress, plan)
    else:
        yield Lines(plan, out)


def _progress(out: Output) -> Progress:
    from rich import progress as rich

    return rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=None),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
        console=out.console(),
        transient=True,
        expand=True,
    )


class Bars:
    """A bar for each file that is coming, and one for all of them."""

    def __init__(self, progress: Progress, plan: DownloadPlan) -> None:
        self._progress = progress
        self._total = progress.add_task(plan.wanted.model, total=plan.bytes, completed=plan.bytes - plan.missing)
        self._bars: dict[str, TaskID] = {}

    def begun(self, file: RemoteFile, present: int) -> None:
        """A bar appears."""
        if present < file.size:
            name = file.path if len(file.path) <= NAME_WIDTH else f"…{file.path[1 - NAME_WIDTH :]}"
            self._bars[file.path] = self._progress.add_task(name, total=file.size, completed=present)

    def advanced(self, file: RemoteFile, count: int) -> None:
        """Both bars move."""
        self._progress.advance(self._total, count)
        if file.path in self._bars:
            self._progress.advance(self._bars[file.path], count)

    def waiting(self, file: RemoteFile, seconds: float, reason: str) -> None:
        """A line above the bars."""
        self._progress.console.print(f"{file.path}: {reason}; again in {seconds:.0f} s")

    def done(self, file: RemoteFile) -> None:
        """The file's bar is gone."""
        if file.path in self._bars:
            self._progress.remove_task(self._bars.pop(file.path))


class Lines:
    """A line for each file where nothing can move, and events for scripts."""

    def __init__(self, plan: DownloadPlan, out: Output) -> None:
        self._out = out
        self._here: dict[str, int] = {}
        self._told = 0.0
        self._count = len(plan.files)
        self._complete = 0

    def begun(self, file: RemoteFile, present: int) -> None:
        """Remember what is there."""
        self._here[file.path] = present

    def advanced(self, file: RemoteFile, count: int) -> None:
        """An event, but not for every piece."""
        self._here[file.path] += count
        now = time.monotonic()
        if now - self._told >= EVENT_SECONDS:
            self._told = now
            self._event("file_progress", file, bytes=self._here[file.path])

    def waiting(self, file: RemoteFile, seconds: float, reason: str) -> None:
        """A line, and an event."""
        self._out.narrate(f"{file.path}: {reason}; again in {seconds:.0f} s")
        self._event("file_waiting", file, seconds=seconds, reason=reason)

    def done(self, file: RemoteFile) -> None:
        """A line, and an event."""
        self._complete += 1
        self._out.narrate(f"{self._complete}/{self._count}  {file.path}  {byte_size(file.size)}")
        self._event("file_done", file)

    def _event(self, name: str, file: RemoteFile, **facts: Any) -> None:
        self._out.event({"event": name, "path": file.path, "size": file.size, **facts})
