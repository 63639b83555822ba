"""Tells a broken device (driver, installation, disk) from a broken job: job after job fails alike at its start.

Without it one bad night burns the whole queue: each job would fail its attempts in seconds, all of them for a reason
that is none of theirs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from skyreels_cli.errors import SkyreelsError

JOBS_IN_A_ROW = 3


class CircuitBreaker:
    """Watches the failures of one device; after too many that are alike it wants a rest of `rest_seconds`."""

    def __init__(self, device: str, rest_seconds: float) -> None:
        self._device = device
        self._rest_seconds = rest_seconds
        self._rests_until = 0.0
        self._alike: set[int] = set()
        self._error: Mapping[str, Any] = {}

    @property
    def reason(self) -> str | None:
        """Why no job should be started now; None if one may, be it as a trial."""
        if time.monotonic() >= self._rests_until:
            return None
        return f"{len(self._alike)} jobs in a row failed alike on {self._device}: {self._error['message']}"

    def trips(self, job: int, error: Mapping[str, Any]) -> bool:
        """Whether this failure is one too many: then, and whenever a trial fails like it, the rest begins."""
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
        """A step was done: the device works."""
        self._alike.clear()


def _kind(error: Mapping[str, Any]) -> Any:
    """What failures that are alike share: their code, unless that may stand for anything."""
    code = error.get("code")
    return error["message"] if code in ("internal", "renderer-died") else code
