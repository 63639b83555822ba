"""Products of float32 matrices, and attention, by oneDNN: for AMD's CPUs with AVX-512.

Torch multiplies float32 matrices by MKL, which uses AVX2 on AMD's CPUs whatever they have: 109 GFLOP/s on a core of an
EPYC (Zen 5), on which oneDNN, which comes with torch too, reaches 230. Torch's attention multiplies by MKL in every
dtype: 97 GFLOP/s, where the one below reaches 178. Without AVX-512 the two are within 12 % of each other.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import linear as torch_linear
from torch.nn.functional import scaled_dot_product_attention

from skyreels_cli.model.weights.packed import PackedLinear

SCORE_BYTES = 4 * 2**20
"""Of the scores that are computed at a time: 1 to 16 MB differ by a tenth, those of 40 MB halve the rate."""
ROWS_AT_LEAST = 128
"""Rows of queries at a time, however many keys there are: fewer slow the product down."""
FEW_SCORES = 256 * 256
"""Of a head; below that the calls take longer than what they compute."""


def pays(device: torch.device) -> bool:
    """Whether a device is a CPU with vectors that MKL leaves unused."""
    return device.type == "cpu" and _pays_here()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x` (…, in) by `weight` (out, in), plus `bias` (out): (…, out). There is no gradient."""
    if x.dtype != torch.float32:
        return torch_linear(x, weight, bias)  # the other dtypes torch leaves to oneDNN by itself
    return _compiled_linear(x, weight, bias) if torch.compiler.is_compiling() else _linear(x, weight, bias)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention of `(b, s, h, d)` tensors on a CPU, scores and sums in float32."""
    return _compiled_attention(query, key, value) if torch.compiler.is_compiling() else _attention(query, key, value)


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    if query.shape[1] * key.shape[1] < FEW_SCORES:
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        return scaled_dot_product_attention(query, key, value).transpose(1, 2)
    out = torch.empty_like(query)
    for batch in range(query.shape[0]):
        for head in range(query.shape[2]):
            of_head = (batch, slice(None), head)
            out[of_head] = _attend(query[of_head].float(), key[of_head].float(), value[of_head].float())
    return out


def use_where_it_pays(module: nn.Module, device: torch.device) -> None:
    """Have the linear layers of a module that works on a device multiply by oneDNN, if that is quicker there."""
    if not pays(device):
        return
    for part in module.modules():
        if isinstance(part, PackedLinear):
            part.multiply = linear
        elif type(part) is nn.Linear:
            part.__class__ = OneDNNLinear


class OneDNNLinear(nn.Linear):
    """A linear layer that multiplies by oneDNN."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.Linear's name
        """`(…, in)` → `(…, out)`."""
        return linear(input, self.weight, self.bias)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")  # noqa: SLF001 - what torch's compiler calls
    return product


# To the compiler each is one operation: it takes that product with frozen weights only, and would write the loops out.
@torch.library.custom_op("skyreels::onednn_linear", mutates_args=())
def _compiled_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return _linear(x, weight, bias)


@torch.library.custom_op("skyreels::onednn_attention", mutates_args=())
def _compiled_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return _attention(query, key, value).contiguous()


_compiled_linear.register_fake(lambda x, weight, _: x.new_empty(*x.shape[:-1], weight.shape[0]))
_compiled_attention.register_fake(lambda query, *_: query.new_empty(query.shape))


@cache
def _pays_here() -> bool:
    available = torch.backends.mkldnn.is_available() and bool(torch.backends.mkldnn.enabled)
    return available and torch.backends.cpu.get_cpu_capability() == "AVX512" and "AuthenticAMD" in _vendor()


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of one head, `(s, d)` each, some rows of queries at a time."""
    scaled, turned = key * key.shape[-1] ** -0.5, value.t().contiguous()
    rows = max(ROWS_AT_LEAST, SCORE_BYTES // (4 * len(key)))
    return torch.cat([linear(linear(part, scaled).softmax(-1), turned) for part in query.split(rows)])


def _vendor() -> str:
    """What the system says of its processor, the vendor's name in it."""
    described = Path("/proc/cpuinfo")
    return described.read_text(encoding="utf-8") if described.exists() else platform.processor()
