"""Moving pictures with known pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

Frames = npt.NDArray[np.uint8]


@pytest.fixture
def waves() -> Frames:
    """20 smooth, moving RGB frames of 80x48, kind to lossy codecs."""
    t, y, x = np.mgrid[:20, :48, :80]
    channels = (np.sin(x / 9 + t / 5), np.cos(y / 7 - t / 6), np.sin((x + y) / 11))
    return np.stack([128 + 100 * channel for channel in channels], axis=-1).astype(np.uint8)


@pytest.fixture
def static() -> Frames:
    """7 RGB frames of noise of 80x48: whatever is not lossless changes them."""
    return np.random.default_rng(0).integers(0, 256, (7, 48, 80, 3), dtype=np.uint8)
