"""What a block's layers add to its tokens, followed over the block's timesteps."""

from __future__ import annotations

import math

from torch import Tensor


class Trend:
    """The last values of a quantity and how well it could be predicted from them.

    `order` 0 predicts that nothing changes, 1 that it changes as it did between the last two. If a prediction over
    Δ timesteps was wrong by ε (relative), one over Δ' is expected to be wrong by ε·(Δ'/Δ)^(order + 1).
    """

    def __init__(self, order: int) -> None:
        self._order = order
        self._value: Tensor | None = None
        self._slope: Tensor | None = None
        self._time = 0
        self._row = 0
        self._moved = False
        self._error = math.inf
        self._reach = 1

    def predict(self, time: int) -> Tensor:
        """The quantity at a timestep, `(b, f, tokens, d)`."""
        assert self._value is not None, "every block runs in the first row"
        if self._slope is None:
            return self._value
        return self._value + self._slope * (time - self._time)

    def learn(self, value: Tensor, row: int, time: int, *, moving: bool) -> None:
        """Take in the quantity as it is at a timestep; the trend begins when the block begins to move."""
        distance = time - self._time
        if moving and self._moved and distance and self._value is not None:
            wrong = (value - self.predict(time)).abs().mean() / value.abs().mean()
            self._error, self._reach = float(wrong), abs(distance)
            if self._order:
                if self._slope is None:
                    self._error = math.inf  # the next prediction follows a slope, of which nothing is known yet
                self._slope = (value - self._value) / distance
        elif moving:
            self._slope, self._error = None, math.inf
        self._value, self._time, self._row, self._moved = value, time, row, moving

    def expected_error(self, time: int) -> float:
        """How far a prediction at a timestep is likely to be off, relative to the quantity."""
        if self._error == math.inf:
            return math.inf
        return float(self._error * (abs(time - self._time) / self._reach) ** (self._order + 1))

    def is_stale(self, time: int, row: int, refresh: int) -> bool:
        """Whether a block that does not move is no longer what it was when it last ran."""
        return self._value is None or time != self._time or (refresh > 0 and row - self._row >= refresh)
