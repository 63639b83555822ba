"""How much work a phase may do: processor time of its own steps, so that a stopped or crowded process loses
nothing.
"""

from __future__ import annotations

import time

import torch


def worked_seconds() -> float:
    """Return this process's processor seconds per thread: wall seconds if the machine were ours alone."""
    return time.process_time() / torch.get_num_threads()


class Budget:
    """Counts the seconds worked in steps towards `seconds`."""

    def __init__(self, seconds: float, spent: float = 0.0) -> None:
        self.seconds = seconds
        self.spent = spent
        self._last = worked_seconds()

    def restart(self) -> None:
        """Begin a step now: what happened since the last one (an evaluation, say) is not counted."""
        self._last = worked_seconds()

    def tick(self) -> float:
        """End a step; return the share of the budget spent, 0 to 1."""
        now = worked_seconds()
        self.spent += now - self._last
        self._last = now
        return self.progress

    @property
    def progress(self) -> float:
        """Share of the budget spent, at most 1."""
        return min(1.0, self.spent / self.seconds) if self.seconds > 0 else 1.0

    @property
    def done(self) -> bool:
        """Tell whether the budget is spent."""
        return self.spent >= self.seconds


def rate_scale(step: int, progress: float, flat: float, end: float, warmup: int = 30) -> float:
    """Learning-rate factor: linear warm-up, flat until `flat` of the budget, then linear to `end`."""
    warm = min(1.0, (step + 1) / warmup)
    if progress <= flat:
        return warm
    return warm * (1.0 + (end - 1.0) * (progress - flat) / (1.0 - flat))
