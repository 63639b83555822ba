"""What squeue tells of our jobs, asked once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skyreels_cli.errors import RetryableError
from skyreels_cli.plugins.executor import JobPlace

OURS = ("squeue", "--me", "--states=all", "--noheader", "--format=%i|%T|%r|%N|%P|%j")
# Everybody's jobs that wait, those that are next first.
WAITING_LINE = ("squeue", "--states=PENDING", "--noheader", "--sort=-p,i", "--format=%i|%P")
# On a large cluster thousands wait, and one's place among them changes slowly.
LINE_SECONDS = 30.0

WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
# They say only that others are before it.
IN_LINE = ("None", "Priority", "Resources")


@dataclass(frozen=True)
class JobRow:
    """A line of squeue."""

    number: str
    state: str
    reason: str
    node: str
    partition: str
    name: str


class SqueueTable:
    """Our jobs as of at most `keep_seconds` ago; an answer that failed is kept as long, so that it is not asked anew.

    `run` calls a program and returns what it prints, or raises RetryableError.
    """

    def __init__(self, run: Callable[[Sequence[str]], str], keep_seconds: float) -> None:
        self._run = run
        self._keep_seconds = keep_seconds
        self._lock = threading.Lock()
        self._rows: dict[str, JobRow] | RetryableError = {}
        self._changed_at = self._asked_at = self._line_at = float("-inf")
        self._line: list[list[str]] = []

    def forget(self) -> None:
        """Believe nothing that was asked before now, as something has been changed."""
        self._changed_at = time.monotonic()

    def find(self, name: str) -> str | None:
        """The number of the job of that name that waits or runs."""
        found = [row for row in self._known().values() if row.name == name and row.state in WAITING | RUNNING]
        return found[0].number if found else None

    def place(self, number: str) -> JobPlace:
        """Where a job is; one that Slurm has forgotten is over."""
        row = self._known().get(number)
        if row is None:
            return JobPlace("over", f"slurm {number} is gone")
        if row.state in WAITING:
            return JobPlace("waiting", f"slurm {number}{self._rank(row)}{_reason(row)}")
        if row.state in RUNNING:
            return JobPlace("running", f"slurm {number} on {row.node}" + _unusual(row))
        end = {"OUT_OF_MEMORY": "memory", "CANCELLED": "cancelled"}.get(row.state, "")
        return JobPlace("over", f"slurm {number} {row.state}", end)  # type: ignore[arg-type]

    def _known(self) -> dict[str, JobRow]:
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at >= self._keep_seconds or self._asked_at <= self._changed_at:
                self._asked_at = now
                self._rows = self._ask()
            if isinstance(self._rows, RetryableError):
                raise self._rows
            return self._rows

    def _ask(self) -> dict[str, JobRow] | RetryableError:
        try:
            rows = [JobRow(*line.split("|", 5)) for line in self._run(OURS).splitlines() if line.count("|") >= 5]
        except RetryableError as error:
            return error
        return {row.number: row for row in rows}

    def _rank(self, row: JobRow) -> str:
        """`, 3rd` among the jobs that wait for the same partition; nothing if that is not known."""
        with self._lock:
            now = time.monotonic()
            if now - self._line_at >= LINE_SECONDS or self._line_at <= self._changed_at:
                self._line_at = now
                self._line = [line.split("|") for line in self._run(WAITING_LINE).splitlines()]
            before = [number for number, *partition in self._line if partition == [row.partition]]
        return f", {ordinal(before.index(row.number) + 1)}" if row.number in before else ""


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def _reason(row: JobRow) -> str:
    return "" if row.reason in IN_LINE else f", {row.reason}"


def _unusual(row: JobRow) -> str:
    return "" if row.state == "RUNNING" else f", {row.state.lower()}"
