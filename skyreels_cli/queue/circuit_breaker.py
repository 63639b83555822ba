"""Tells a broken device (driver, disk) from a broken job: several jobs in a row fail alike before their first step.

Without it a broken device would fail the whole queue within minutes, as each job uses up its attempts in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from skyreels_cli.errors import SkyreelsError

JOBS_IN_A_ROW = 3


class CircuitBreaker:
    """Counts the failures of one device; after several that are alike no job is started for `rest_seconds`."""

    def __init__(self, device: str, rest_seconds: float) -> None:
        self._device = device
        self._rest_seconds = rest_seconds
        self._rests_until = 0.0
        self._alike: set[int] = set()
        self._error: Mapping[str, Any] = {}

    @property
    def reason(self) -> str | None:
        """Why no job should be started now; None if one may be started, also as a trial after a rest."""
        if time.monotonic() >= self._rests_until:
            return None
        return f"{len(self._alike)} jobs in a row failed alike on {self._device}: {self._error['message']}"

    def trips(self, job: int, error: Mapping[str, Any]) -> bool:
        """Take in a failure; True if it begins a rest, as the third in a row of its kind or as a failed trial."""
        if error["exit_code"] != SkyreelsError.exit_code:  # that job is wrong or too large, or somebody has its film
            return False
        if _kind(error) != _kind(self._error):
            self._alike.clear()
        self._error = error
        self._alike.add(job)
        if len(self._alike) < JOBS_IN_A_ROW:
            return False
        self._rests_until = time.monotonic() + self._rest_seconds
        return True

    def forget(self) -> None:
        """Count anew: a step was done, so the device works."""
        self._alike.clear()


def _kind(error: Mapping[str, Any]) -> Any:
    """What makes two failures alike: their code, or their message where the code may stand for anything."""
    code = error.get("code")
    return error["message"] if code in ("internal", "renderer-died") else code
