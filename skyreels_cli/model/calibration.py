"""Measures, in a process of its own, how fast a device computes a film's shape, and in which dtype it computes best.

Random numbers go through what a layer of the transformer and the stages of the VAE's decoder do, by the kernels that
films take, without the models' own classes, which take seconds to import. A film that is too large for the time is
cut, and the figures are scaled.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from skyreels_cli.model import onednn
from skyreels_cli.model.kernels import choose_kernel
from skyreels_cli.model.memory import pick_device
from skyreels_cli.plan.speed import FilmShape

SECONDS = 0.1
"""About how long one run of each part may take."""
RUNS = 3
TEXT_TOKENS = 512
NATIVE_BFLOAT16 = (8, 0)
"""The compute capability of NVIDIA's cards from which on they have it."""
PROBE = (512, 1536, 1536)
"""Rows and sides of the matrices with which dtypes are compared; a layer of 1.3B has such."""


@torch.inference_mode()
def best_dtype(device: torch.device) -> tuple[str, str]:
    """The dtype to compute in, and why: bfloat16 where the device has it, else what is quickest.

    A CPU is asked by a measurement, which knows what its libraries really use: without AVX512-BF16 or AMX bfloat16 is
    emulated, at a quarter of float32's rate.
    """
    if device.type == "cuda":
        if torch.version.hip or torch.cuda.get_device_capability(device) >= NATIVE_BFLOAT16:
            return "bfloat16", f"{torch.cuda.get_device_name(device)} has it"
        return "float16", f"{torch.cuda.get_device_name(device)} has no bfloat16"
    single, half = matrix_rate(device, torch.float32), matrix_rate(device, torch.bfloat16)
    name = "bfloat16" if half >= single else "float32"
    return name, f"measured on {device.type}: bfloat16 has {half / single:.1f} times the rate of float32"


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a product of two matrices."""
    rows, inner, outer = PROBE
    x, weight = _random(device, dtype, rows, inner), _random(device, dtype, outer, inner)
    multiply = _multiply(device)
    return 2 * rows * inner * outer / _seconds(device, lambda: multiply(x, weight))


@torch.inference_mode()
def transformer_rate(device: torch.device, dtype: torch.dtype, shape: FilmShape) -> float:
    """FLOP/s of a layer of the transformer over all tokens."""
    budget = SECONDS * matrix_rate(device, dtype)
    dim, tokens = shape.dim, shape.tokens
    linear = 12 * dim**2 + 4 * dim * shape.ffn_dim + 4 * TEXT_TOKENS * dim
    rows = max(64, min(tokens, int(budget / linear)))
    layer = _Layer(device, dtype, shape)
    x = _random(device, dtype, 1, rows, dim)
    outside = _seconds(device, lambda: layer.outside_attention(x)) * tokens / rows
    seen = max(64, min(tokens, int(math.sqrt(SECONDS * matrix_rate(device, torch.float32) / (4 * dim)))))
    query, key, value = (_random(device, dtype, 1, seen, shape.heads, dim // shape.heads) for _ in range(3))
    attention = _seconds(device, lambda: layer.attend(query, key, value))
    return (linear * tokens + 4 * dim * tokens**2) / (outside + attention * (tokens / seen) ** 2)


@torch.inference_mode()
def vae_rate(device: torch.device, shape: FilmShape) -> float:
    """FLOP/s of the decoder's convolutions in float32, at its four sizes."""
    per_pixel = sum(54 * channels**2 * frames / area for channels, frames, area in _stages(shape.vae_dim))
    pixels = SECONDS * matrix_rate(device, torch.float32) / per_pixel
    side = 8 * max(1, int(min(1.0, math.sqrt(pixels / (shape.width * shape.height))) * shape.height / 8))
    across = 8 * max(1, side * shape.width // shape.height // 8)
    work = taken = 0.0
    for channels, frames, area in _stages(shape.vae_dim):
        high, wide = side // math.isqrt(area), across // math.isqrt(area)
        x = _random(device, torch.float32, 1, channels, frames + 2, high + 2, wide + 2)
        weight = _random(device, torch.float32, channels, channels, 3, 3, 3)
        taken += _seconds(device, partial(_convolve, x, weight))
        work += 54 * channels**2 * frames * high * wide
    return work / taken


class _Layer:
    """What a layer does but self-attention, with random weights."""

    def __init__(self, device: torch.device, dtype: torch.dtype, shape: FilmShape) -> None:
        dim, self._heads = shape.dim, shape.heads
        self._square = [_random(device, dtype, dim, dim) for _ in range(6)]
        self._widen, self._narrow = (
            _random(device, dtype, *size) for size in ((shape.ffn_dim, dim), (dim, shape.ffn_dim))
        )
        self._scale = _random(device, torch.float32, 1, 1, dim)
        self._text = _random(device, dtype, 1, TEXT_TOKENS, self._heads, dim // self._heads)
        self.attend = choose_kernel("auto", device, dtype, dim // self._heads)
        self._multiply = _multiply(device)

    def outside_attention(self, x: Tensor) -> Tensor:
        """`x` (1, n, dim) through norms, projections, rotations, attention to the text, and the feed-forward part."""
        query, key, value, out, asked, answered = self._square
        normed = self._modulated(x)
        for weight in (query, key):
            self._rotated(functional.rms_norm(self._multiply(normed, weight), x.shape[-1:]))
        x = self._added(x, self._multiply(self._multiply(normed, value), out))
        question = functional.rms_norm(self._multiply(self._modulated(x), asked), x.shape[-1:])
        found = self.attend(question.unflatten(2, (self._heads, -1)), self._text, self._text)
        x = x + self._multiply(found.flatten(2), answered)
        wide = functional.gelu(self._multiply(self._modulated(x), self._widen), approximate="tanh")
        return self._added(x, self._multiply(wide, self._narrow))

    def _modulated(self, x: Tensor) -> Tensor:
        normed = functional.layer_norm(x.float(), x.shape[-1:])
        return torch.addcmul(self._scale, normed, self._scale).type_as(x)

    def _added(self, x: Tensor, update: Tensor) -> Tensor:
        return torch.addcmul(x.float(), update.float(), self._scale).type_as(x)

    def _rotated(self, x: Tensor) -> Tensor:
        pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
        return torch.view_as_real(pairs * pairs).flatten(-2).type_as(x)


def _multiply(device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """The product that films on a device take."""
    return onednn.linear if onednn.pays(device) else functional.linear


def _stages(dim: int) -> tuple[tuple[int, int, int], ...]:
    """Of each size of the decoder: channels, frames for each latent one, and into how many parts a pixel is merged."""
    return ((4 * dim, 1, 64), (4 * dim, 2, 16), (2 * dim, 4, 4), (dim, 4, 1))


def _convolve(x: Tensor, weight: Tensor) -> Tensor:
    return functional.silu(functional.conv3d(functional.normalize(x, dim=1), weight))


def _random(device: torch.device, dtype: torch.dtype, *size: int) -> Tensor:
    return torch.rand(size, device=device).sub_(0.5).mul_(0.1).to(dtype)


def _seconds(device: torch.device, work: Callable[[], Any]) -> float:
    """The median of a few runs, behind one that warms up."""
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - started)
    return sorted(times[1:])[RUNS // 2]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for (`device`, `dtype` or null, `shape`) as JSON: `dtype`, `why`, `transformer`, `vae`."""
    device = pick_device(asked["device"])
    name, why = (asked["dtype"], "") if asked["dtype"] else best_dtype(device)
    shape = FilmShape(**asked["shape"])
    rate = transformer_rate(device, getattr(torch, name), shape)
    return {"dtype": name, "why": why, "transformer": rate, "vae": vae_rate(device, shape)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
