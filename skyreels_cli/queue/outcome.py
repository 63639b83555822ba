"""What becomes of a job whose attempt failed: changed, tried again, or given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skyreels_cli.errors import OutOfMemoryError, PluginError, RetryableError, SkyreelsError, UsageError
from skyreels_cli.queue.degrade import next_step
from skyreels_cli.queue.job import Job

# Trying again changes nothing about these: somebody has to correct the job or install something.
HOPELESS = (UsageError.exit_code, PluginError.exit_code)
# Another process is making this very film: the renderer of a worker that froze, or somebody's own command.
BUSY = "film-busy"


@dataclass(frozen=True)
class Verdict:
    """Degrade by `step`, else try again after `delay` seconds, else (`delay` is None) give up.

    An attempt that does not count (`counts`) leaves the job as many as it had.

    The renderer is kept only where the job failed before it touched the device.
    """

    step: dict[str, Any] | None = None
    delay: float | None = None
    keep_child: bool = False
    counts: bool = True


def judge(
    job: Job, attempts: int, error: Mapping[str, Any], placement: Mapping[str, Any], *, degrade: bool, pause: float
) -> Verdict:
    """Decide by the kind of error; `attempts` counts this one; `pause` is the first wait in seconds, then doubled."""
    exit_code = error["exit_code"]
    if error["code"] == BUSY:
        return Verdict(delay=pause, keep_child=True, counts=False)
    if exit_code == OutOfMemoryError.exit_code and degrade and job.degrade:
        step = next_step(job, placement)
        if step:
            return Verdict(step=step)
    if exit_code in HOPELESS:
        return Verdict(keep_child=True)
    if attempts >= job.max_attempts or exit_code == OutOfMemoryError.exit_code:
        return Verdict()
    waits = exit_code == RetryableError.exit_code
    return Verdict(delay=pause * 2 ** (attempts - 1) if waits else 0.0)


def error_record(error: BaseException) -> dict[str, Any]:
    """`code`, `message`, `hint` and `exit_code` of whatever ended a job."""
    if isinstance(error, SkyreelsError):
        hint, exit_code = error.hint, error.exit_code
        return {"code": error.code, "message": error.message, "hint": hint, "exit_code": exit_code}
    message = (str(error).strip() or type(error).__name__).splitlines()[0]
    if _out_of_memory(error):
        return {"code": "out-of-memory", "message": f"out of memory: {message}", "hint": None, "exit_code": 4}
    message = f"internal error: {type(error).__name__}: {message}"
    return {"code": "internal", "message": message, "hint": "skyreels queue logs ID", "exit_code": 1}


def _out_of_memory(error: BaseException) -> bool:
    """Of the host, of a GPU, or of torch's allocator for the CPU, which says so only in words."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"MemoryError", "OutOfMemoryError"}) or "DefaultCPUAllocator" in str(error)
