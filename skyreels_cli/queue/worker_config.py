"""Settings of a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skyreels_cli.queue.leases import LEASE_SECONDS


@dataclass(frozen=True)
class WorkerConfig:
    """Settings of one worker, all times in seconds; `placement` says how to compute where a job does not."""

    placement: Mapping[str, Any]
    executor: str = "local"
    degrade: bool = True
    # Jobs in a row that may be taken out of order to avoid loading another model; 0 keeps the order.
    patience: int = 5
    poll_seconds: float = 0.5
    # While a job runs; an idle worker needs five times as long, as nobody looks at its progress.
    heartbeat_seconds: float = 1.0
    lease_seconds: float = LEASE_SECONDS
    # From a signal to the killing of a child that does not stop: with it the worker is gone within 30 s.
    grace_seconds: float = 20.0
    # The same after pause and cancel: a step of a large model takes a minute, and nobody is in a hurry.
    stop_seconds: float = 120.0
    # A renderer that says nothing for so long hangs; downloading 50 GB at 10 MB/s takes 83 minutes.
    stall_seconds: float = 7200.0
    # After several jobs that failed alike; below `leases.LONGEST_DELAY`, so that another job is tried then.
    rest_seconds: float = 240.0
    # After so long without a job the model's memory is given back.
    idle_seconds: float = 300.0
    # Before a second attempt at what may get better by itself (network, busy device); then twice as long.
    retry_seconds: float = 10.0
