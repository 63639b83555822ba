"""Packed weights, against an independent unpacking of the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from torch import nn

from skyreels_cli.hub.gguf_header import TYPES
from skyreels_cli.hub.tensor import GGML_BLOCKS, TensorEntry
from skyreels_cli.model.weights.packed import PackedLinear, Stored, pack_float8, unpack

HALVES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q2_K": (80, 82), "Q3_K": (108,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_NL": (0,), "IQ4_XS": (0,),
}  # fmt: skip
"""Where the float16 scales of a block begin; random bytes there would be infinite or no numbers."""


@pytest.mark.parametrize("kind", GGML_BLOCKS)
def test_blocks_are_unpacked_as_the_package_gguf_does(kind: str) -> None:
    values, size = GGML_BLOCKS[kind]
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (6, size), dtype=np.uint8)
    for start in HALVES[kind]:
        scales = random.uniform(0.01, 0.1, (6, 1)).astype(np.float16)
        blocks[:, start : start + 2] = scales.view(np.uint8)
    data = blocks.reshape(3, 2 * size)
    expected = dequantize(data, GGMLQuantizationType[kind])
    ours = unpack(kind, torch.from_numpy(data), None, torch.float32)
    assert ours.shape == (3, 2 * values)
    assert np.abs(ours.numpy() - expected).max() <= 1e-6 * np.abs(expected).max()
    half = unpack(kind, torch.from_numpy(data), None, torch.bfloat16).float().numpy()
    assert np.abs(half - expected).max() <= 2**-7 * np.abs(expected).max()


def test_types_and_sizes_are_those_of_the_package_gguf() -> None:
    from gguf import GGML_QUANT_SIZES

    for number, name in TYPES.items():
        assert GGMLQuantizationType(number).name == name
        values, size = GGML_QUANT_SIZES[GGMLQuantizationType(number)]
        assert TensorEntry(name, (4 * values,)).bytes == 4 * size


@pytest.mark.parametrize("scale", [torch.tensor(0.5), torch.tensor([0.5]), torch.tensor([[0.5], [0.25]])])
def test_a_scale_is_one_number_or_one_for_each_row(scale: torch.Tensor) -> None:
    stored = torch.tensor([[1.0, -2.0, 448.0], [0.5, 0.0, 8.0]]).to(torch.float8_e4m3fn)
    expected = stored.float() * scale
    assert torch.equal(unpack("F8_E4M3", stored, scale, torch.float32), expected)


def test_float8_is_scaled_to_its_whole_range() -> None:
    weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)) * 1e-3
    packed = pack_float8(weight)
    error = (packed.unpacked(torch.float32) - weight).abs()
    assert (error <= weight.abs() * 2**-4 + 1e-7).all()
    unscaled = weight.to(torch.float8_e4m3fn).float()  # below 2⁻⁹ it has no numbers left
    assert error.square().mean() < 0.01 * (unscaled - weight).square().mean()
    assert torch.equal(pack_float8(torch.zeros(2, 2)).unpacked(torch.float32), torch.zeros(2, 2))


def test_a_packed_layer_is_the_layer_of_its_values() -> None:
    plain = nn.Linear(8, 4)
    packed = PackedLinear(pack_float8(plain.weight.detach()), (4, 8), plain.bias)
    x = torch.randn(2, 3, 8)
    weight = packed.scale * packed.weight.float()
    assert torch.allclose(packed(x), nn.functional.linear(x, weight, plain.bias), atol=1e-6)
    assert packed(x.bfloat16().to(torch.float32)).dtype == torch.float32
    assert packed.weight.element_size() == 1


def test_blocks_may_run_on_from_row_to_row() -> None:
    values = np.random.default_rng(0).normal(size=(6, 48)).astype(np.float32)
    data = torch.from_numpy(quantize(values.reshape(-1, 32), GGMLQuantizationType.Q8_0))
    layer = PackedLinear(Stored("Q8_0", data), (6, 48))
    x = torch.randn(2, 48)
    assert torch.allclose(layer(x), x @ torch.from_numpy(values).T, atol=0.2)


def test_a_plain_tensor_is_not_packed() -> None:
    assert not Stored("BF16", torch.zeros(2, dtype=torch.bfloat16)).packed
