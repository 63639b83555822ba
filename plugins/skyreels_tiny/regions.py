"""How many things there are in a picture: connected regions of pixels that are not background; numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


def count_regions(mask: Flags, least_area: float) -> int:
    """Count the connected regions (8 neighbours) of `mask` (h, w) that hold `least_area` pixels or more."""
    labels = _labels(mask)
    areas = np.unique(labels[labels > 0], return_counts=True)[1]
    return int((areas >= least_area).sum())


def _labels(mask: Flags) -> Numbers:
    """Number the pixels of `mask` from 1 and let each region take its highest number; outside is 0."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        rows = _highest_beside(labels, axis=0)
        spread = np.where(mask, _highest_beside(rows, axis=1), 0)
        if (spread == labels).all():
            return labels
        labels = spread


def _highest_beside(labels: Numbers, axis: int) -> Numbers:
    """Return the highest of each number and its two neighbours along an axis."""
    padded = np.pad(labels, [(1, 1) if axis == each else (0, 0) for each in range(2)])
    size = labels.shape[axis]
    parts = [padded.take(range(start, start + size), axis=axis) for start in range(3)]
    highest: Numbers = np.maximum(np.maximum(parts[0], parts[1]), parts[2])
    return highest
