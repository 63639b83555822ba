"""Decides what becomes of a job whose attempt failed: changed, tried again, or given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skyreels_cli.errors import (
    OutOfMemoryError,
    PluginError,
    RetryableError,
    SkyreelsError,
    UsageError,
    as_out_of_memory,
    first_line,
)
from skyreels_cli.queue.degrade import next_step
from skyreels_cli.queue.job import Job

# Trying again changes nothing about these: somebody has to correct the job or install something.
HOPELESS = (UsageError.exit_code, PluginError.exit_code)
# Another process is making this very film: the renderer of a worker that froze, or somebody's own command.
BUSY = "film-busy"
# Nothing was loaded: by the estimates none of the ways of offloading fits, the most frugal included.
DOES_NOT_FIT = "does-not-fit"


@dataclass(frozen=True)
class RetryDecision:
    """Degrade by `step`, else try again after `delay` seconds, else (`delay` is None) give up.

    With `counts` False the attempt is not counted. `keep_renderer`: the renderer goes on with the next job, as this one
    failed before it touched the device.
    """

    step: dict[str, Any] | None = None
    delay: float | None = None
    keep_renderer: bool = False
    counts: bool = True


def decide_retry(
    job: Job, attempts: int, error: Mapping[str, Any], placement: Mapping[str, Any], *, degrade: bool, pause: float
) -> RetryDecision:
    """Decide by the kind of error; `attempts` counts this one; `pause` is the first wait in seconds, then doubled."""
    exit_code = error["exit_code"]
    if error["code"] == BUSY:
        return RetryDecision(delay=pause, keep_renderer=True, counts=False)
    if exit_code == OutOfMemoryError.exit_code and degrade and job.degrade:
        tried = {**placement, "offload": "stream"} if error["code"] == DOES_NOT_FIT else placement
        step = next_step(job, tried)
        if step:
            return RetryDecision(step=step)
    if exit_code in HOPELESS:
        return RetryDecision(keep_renderer=True)
    if attempts >= job.max_attempts or exit_code == OutOfMemoryError.exit_code:
        return RetryDecision()
    waits = exit_code == RetryableError.exit_code
    return RetryDecision(delay=pause * 2 ** (attempts - 1) if waits else 0.0)


def error_record(error: BaseException) -> dict[str, Any]:
    """`code`, `message`, `hint` and `exit_code` of whatever ended a job."""
    expected = error if isinstance(error, SkyreelsError) else as_out_of_memory(error) or _bug(error)
    hint, exit_code = expected.hint, expected.exit_code
    return {"code": expected.code, "message": expected.message, "hint": hint, "exit_code": exit_code}


def hang_record(job: int) -> dict[str, Any]:
    """The error record of a job whose renderer hung, so that the worker killed it."""
    hint, exit_code = f"skyreels queue logs {job}", SkyreelsError.exit_code
    return {"code": "renderer-died", "message": "the renderer hung", "hint": hint, "exit_code": exit_code}


def _bug(error: BaseException) -> SkyreelsError:
    message = f"internal error: {type(error).__name__}: {first_line(error)}"
    return SkyreelsError("internal", message, "skyreels queue logs ID")
