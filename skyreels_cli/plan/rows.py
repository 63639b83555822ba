"""Counts the rows of a film of any length: how many there are, and how many lie before a window."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from skyreels_cli.plan.plan import Plan


class RowCounts:
    """Rows of the timestep matrix by window, kept as runs: (windows in a row, rows of each)."""

    def __init__(self, runs: Iterable[tuple[int, int]]) -> None:
        self._runs = [(windows, rows) for windows, rows in runs if windows]
        self._firsts = list(accumulate((windows for windows, _ in self._runs), initial=0))
        self._befores = list(accumulate((windows * rows for windows, rows in self._runs), initial=0))

    @classmethod
    def of(cls, plan: Plan) -> RowCounts:
        """The counts of a plan."""
        return cls((run.count, run.first.rows) for run in plan.windows.runs)

    @classmethod
    def of_data(cls, plan: Mapping[str, Any]) -> RowCounts:
        """The counts of a plan in the form of `plan_data`."""
        return cls((window.get("count", 1), window["rows"]) for window in plan["windows"])

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return self._firsts[-1]

    @property
    def total(self) -> int:
        """Rows of all windows."""
        return self._befores[-1]

    def before(self, window: int) -> int:
        """Rows of all windows before the one of that number; of all windows for a number behind the last."""
        if window >= self.windows:
            return self.total
        run = bisect_right(self._firsts, window) - 1
        return self._befores[run] + (window - self._firsts[run]) * self._runs[run][1]
