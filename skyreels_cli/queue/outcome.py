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
from skyreels_cli.queue.child import describe_exit
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

    With `counts` False the attempt is not counted. `keep_child`: the renderer goes on with the next job, as this one
    failed before it touched the device.
    """

    step: dict[str, Any] | None = None
    delay: float | None = None
    keep_child: bool = False
    counts: bool = True


def decide_retry(
    job: Job, attempts: int, error: Mapping[str, Any], placement: Mapping[str, Any], *, degrade: bool, pause: float
) -> RetryDecision:
    """Decide by the kind of error; `attempts` counts this one; `pause` is the first wait in seconds, then doubled."""
    exit_code = error["exit_code"]
    if error["code"] == BUSY:
        return RetryDecision(delay=pause, keep_child=True, counts=False)
    if exit_code == OutOfMemoryError.exit_code and degrade and job.degrade:
        tried = {**placement, "offload": "stream"} if error["code"] == DOES_NOT_FIT else placement
        step = next_step(job, tried)
        if step:
            return RetryDecision(step=step)
    if exit_code in HOPELESS:
        return RetryDecision(keep_child=True)
    if attempts >= job.max_attempts or exit_code == OutOfMemoryError.exit_code:
        return RetryDecision()
    waits = exit_code == RetryableError.exit_code
    return RetryDecision(delay=pause * 2 ** (attempts - 1) if waits else 0.0)


def error_record(error: BaseException) -> dict[str, Any]:
    """`code`, `message`, `hint` and `exit_code` of whatever ended a job."""
    expected = error if isinstance(error, SkyreelsError) else as_out_of_memory(error) or _bug(error)
    hint, exit_code = expected.hint, expected.exit_code
    return {"code": expected.code, "message": expected.message, "hint": hint, "exit_code": exit_code}


def death_record(job: int, status: int | None, *, for_memory: bool) -> dict[str, Any]:
    """The error record of a job whose renderer is gone; `status` is None if it hung and the worker killed it."""
    what = "the renderer hung" if status is None else describe_exit(status)
    return {
        "code": "renderer-died",
        "message": f"{what}, as the system had run out of memory" if for_memory else what,
        "hint": f"skyreels queue logs {job}",
        "exit_code": OutOfMemoryError.exit_code if for_memory else SkyreelsError.exit_code,
    }


def _bug(error: BaseException) -> SkyreelsError:
    message = f"internal error: {type(error).__name__}: {first_line(error)}"
    return SkyreelsError("internal", message, "skyreels queue logs ID")
