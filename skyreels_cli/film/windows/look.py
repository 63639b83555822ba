"""How a window looks, in four numbers: long films drift (brighter, more saturated, softer), and this shows it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

# ITU-R BT.709 luma of RGB.
LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


@dataclass(frozen=True)
class Look:
    """Means over frames and pixels, on the scale 0…1.

    `luma` BT.709; `saturation` (max − min of RGB); `contrast` the standard deviation of luma within a frame;
    `sharpness` the mean absolute Laplacian of luma (4 neighbours).
    """

    luma: float
    saturation: float
    contrast: float
    sharpness: float

    def against(self, anchor: Look) -> dict[str, float]:
        """Differences to the anchor's look."""
        return {name: value - getattr(anchor, name) for name, value in asdict(self).items()}


class LookMeter:
    """Collects the look of a window from frames as they pass."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)
        self._frames = 0

    def add(self, frame: npt.NDArray[np.uint8]) -> None:
        """Take one RGB frame (h, w, 3) into account."""
        pixels = frame.astype(np.float32) / 255
        luma = pixels @ LUMA
        saturation = pixels.max(axis=-1) - pixels.min(axis=-1)
        laplacian = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
        self._sums += luma.mean(), saturation.mean(), luma.std(), np.abs(laplacian).mean()
        self._frames += 1

    def look(self) -> Look:
        """The mean look of the frames so far."""
        return Look(*(float(value) for value in self._sums / max(self._frames, 1)))
