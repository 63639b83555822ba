"""Frames whose light is coded as PQ or HLG (ITU-R BT.2100), made fit for a picture in sRGB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WHITE_NITS, HLG_PEAK_NITS = 203, 1000
"""How bright paper is (ITU-R BT.2408), and a display for which HLG's highlights are meant."""
KNEE = 0.5
"""Light up to here stays as it is, paper being 1; all above is pressed into what is left."""
BT2020_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)
"""ITU-R BT.2087."""

Light = npt.NDArray[np.float32]


def tone_mapped(coded: npt.NDArray[np.uint16], transfer: str) -> npt.NDArray[np.uint8]:
    """16-bit RGB (h, w, 3) with primaries of BT.2020, `transfer` PQ or HLG, as 8-bit sRGB."""
    signal = np.asarray(coded / np.float32(65535), np.float32)
    light = (_pq(signal) if transfer == "PQ" else _hlg(signal)) @ BT2020_TO_BT709.T
    light = np.maximum(light, 0)
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    above = np.maximum(brightest - KNEE, 0)
    pressed = np.minimum(brightest, KNEE) + (1 - KNEE) * above / (above + 1 - KNEE)
    light = light * pressed / brightest
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * srgb), np.uint8)


def _pq(signal: Light) -> Light:
    """SMPTE ST 2084; 1 is the light of paper."""
    power = signal ** np.float32(1 / 78.84375)
    ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(10_000 / WHITE_NITS * ratio ** (1 / 0.1593017578125), np.float32)


def _hlg(signal: Light) -> Light:
    """ARIB STD-B67 with the system gamma of 1.2; 1 is the light of paper."""
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593], np.float32)
    return np.asarray(HLG_PEAK_NITS / WHITE_NITS * scene * luminance[..., None] ** 0.2, np.float32)
