"""What leaves the layers for a block's tokens, followed from row to row."""

from __future__ import annotations

import math

from torch import Tensor


class Trend:
    """The last values of a quantity, and how well it could be predicted from them.

    `order` 0 predicts that nothing changes, 1 that it changes as it did between the last two. If a prediction n rows
    ahead was wrong by e (relative), one m rows ahead is expected to be wrong by e·(m/n)^(order + 1).
    """

    def __init__(self, order: int) -> None:
        self._order = order
        self._value: Tensor | None = None
        self._slope: Tensor | None = None
        self._row = 0
        self._error = math.inf
        self._reach = 1

    def predict(self, row: int) -> Tensor:
        """The quantity in a row, `(b, f, tokens, d)`."""
        assert self._value is not None, "every block runs in the first row"
        if self._slope is None:
            return self._value
        return self._value + self._slope * (row - self._row)

    def learn(self, value: Tensor, row: int) -> None:
        """Take in the quantity as it is in a row."""
        if self._value is not None:
            self._reach = row - self._row
            self._error = float((value - self.predict(row)).abs().mean() / value.abs().mean())
            if self._order and self._slope is None:
                self._error = math.inf  # the next prediction follows a slope, of which nothing is known yet
            if self._order:
                self._slope = (value - self._value) / self._reach
        self._value, self._row = value, row

    def expected_error(self, row: int) -> float:
        """How far a prediction for a row is likely to be off, relative to the quantity; infinite if nobody knows."""
        if self._error == math.inf:
            return math.inf
        return self._error * ((row - self._row) / self._reach) ** (self._order + 1)
