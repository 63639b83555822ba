"""Weights that rest in fewer bits than they are computed with: float8 with a scale, and GGML's blocks.

diffusers 0.42.1 has layers for either, which do not do here: layerwise casting knows no scale
(hooks/layerwise_casting.py), and its GGUF layer takes no LoRA and unpacks in float16 whatever the arithmetic
(quantizers/gguf/utils.py:524). The functions that unpack GGML's blocks are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skyreels_cli.hub.tensor import GGML_BLOCKS

FLOAT8_TYPES = {"F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}


@dataclass(frozen=True)
class Stored:
    """A tensor as it was read: `kind` is its type on disk; blocks are bytes `(rows, bytes of a row)`."""

    kind: str
    data: Tensor
    scale: Tensor | None = None

    @property
    def packed(self) -> bool:
        """Whether it rests in fewer bits than any arithmetic uses."""
        return self.kind in FLOAT8_TYPES or self.kind in GGML_BLOCKS

    def unpacked(self, dtype: torch.dtype) -> Tensor:
        """The values; scaled and taken from their blocks."""
        return unpack(self.kind, self.data, self.scale, dtype)


def unpack(kind: str, data: Tensor, scale: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Values of any stored kind; a scale is one number, or one for each row."""
    values = _from_blocks(kind, data, dtype) if kind in GGML_BLOCKS else data.to(dtype)
    if scale is None:
        return values
    shape = (-1, *[1] * (values.ndim - 1)) if scale.numel() > 1 else ()
    return values * scale.to(values.device, dtype).reshape(shape)


def _from_blocks(kind: str, data: Tensor, dtype: torch.dtype) -> Tensor:
    """Blocks hold their scales in float16, which bfloat16 would round."""
    import gguf
    from diffusers.quantizers.gguf.utils import dequantize_functions

    values, size = GGML_BLOCKS[kind]
    precise = torch.float32 if dtype == torch.float32 else torch.float16
    blocks = data.reshape(-1, size)
    unpacked: Tensor = dequantize_functions[gguf.GGMLQuantizationType[kind]](blocks, values, size, precise)
    return unpacked.reshape(*data.shape[:-1], -1).to(dtype)


def pack_float8(weight: Tensor) -> Stored:
    """A matrix in float8 (e4m3) with one scale, by which its largest value becomes the largest that float8 has."""
    largest = weight.abs().amax().float()
    limit = torch.finfo(torch.float8_e4m3fn).max
    scale = torch.where(largest > 0, largest / limit, torch.ones_like(largest))
    return Stored("F8_E4M3", (weight.float() / scale).to(torch.float8_e4m3fn), scale)


class PackedLinear(nn.Module):
    """A linear layer that unpacks its weight for each call, and adds the low-rank change of a LoRA to it.

    The change is exact, where packing the sum again would round it. Unpacked, a matrix of 14B takes 0.14 GB for as long
    as it is used; where it `keeps` what it has unpacked, until `forget`.
    """

    def __init__(self, stored: Stored, shape: tuple[int, ...], bias: Tensor | None = None) -> None:
        super().__init__()
        self.kind = stored.kind
        self.shape = shape  # blocks may run on from row to row
        self.weight = nn.Parameter(stored.data, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
        self.keeps = False
        self.multiply: Callable[[Tensor, Tensor, Tensor | None], Tensor] = functional.linear
        self._unpacked: Tensor | None = None
        self.scale: Tensor | None
        self.down: Tensor | None
        self.up: Tensor | None
        self.register_buffer("scale", stored.scale)
        self.register_buffer("down", None)
        self.register_buffer("up", None)

    def change(self, down: Tensor, up: Tensor) -> None:
        """Add `up @ down`, `(out, rank)` and `(rank, in)`, to the weight; as often as you like."""
        if self.down is not None and self.up is not None:
            down, up = torch.cat([self.down, down]), torch.cat([self.up, up], dim=1)
        self.down, self.up = down, up

    def forward(self, x: Tensor) -> Tensor:
        """`(…, in)` → `(…, out)` in the dtype of `x`."""
        weight = self._unpacked
        if weight is None:
            weight = self._unpack(x.dtype)
            self._unpacked = weight if self.keeps else None
        return self.multiply(x, weight, self.bias)

    def forget(self) -> None:
        """Drop what was unpacked."""
        self._unpacked = None

    def _unpack(self, dtype: torch.dtype) -> Tensor:
        weight = unpack(self.kind, self.weight, self.scale, dtype).reshape(self.shape)
        if self.down is not None and self.up is not None:
            weight = torch.addmm(weight, self.up.to(dtype), self.down.to(dtype))
        return weight


def unpack_once(layer: nn.Module) -> None:
    """Have a layer unpack each of its matrices once for a call, and not for each slice of tokens (13 at 540P)."""
    linears = [module for module in layer.modules() if isinstance(module, PackedLinear)]
    for linear in linears:
        linear.keeps = True

    def forget(*_: Any) -> None:
        for linear in linears:
            linear.forget()

    if linears:
        layer.register_forward_hook(forget, always_call=True)
