"""Products and attention by oneDNN: equal to the formulas, and taken where MKL leaves vectors unused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skyreels_cli.model import onednn
from skyreels_cli.model.weights.packed import PackedLinear, pack_float8

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


@pytest.fixture
def pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "pays", lambda device: device.type == "cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("biased", [True, False])
def test_a_product_is_the_formulas(dtype: torch.dtype, biased: bool) -> None:
    x, weight = torch.randn(2, 5, 24, dtype=torch.float64), torch.randn(16, 24, dtype=torch.float64)
    bias = torch.randn(16, dtype=torch.float64) if biased else torch.zeros(16, dtype=torch.float64)
    every_other = x.repeat_interleave(2, dim=1)[:, ::2].to(dtype)
    with torch.inference_mode():
        found = onednn.linear(every_other, weight.to(dtype), bias.to(dtype) if biased else None)
    expected = torch.einsum("bsi,oi->bso", x, weight) + bias
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=0.2 if dtype == torch.bfloat16 else 1e-4, rtol=0)


@pytest.mark.parametrize(("queries", "keys"), [(300, 400), (401, 257), (40, 30)])
def test_attention_in_parts_is_the_formulas(queries: int, keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "SCORE_BYTES", 4 * keys * 7)
    monkeypatch.setattr(onednn, "ROWS_AT_LEAST", 1)
    query, key, value = (torch.randn(2, n, 3, 16) for n in (queries, keys, keys))
    weights = torch.einsum("bshd,bthd->bhst", query.double(), key.double()).div(4).softmax(-1)
    expected = torch.einsum("bhst,bthd->bshd", weights, value.double())
    torch.testing.assert_close(onednn.attention(query, key, value).double(), expected, atol=1e-6, rtol=0)
    half = onednn.attention(query.bfloat16(), key.bfloat16(), value.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), expected, atol=0.02, rtol=0)


@pytest.mark.usefixtures("pays")
def test_the_layers_of_a_module_multiply_by_it_and_keep_their_weights() -> None:
    packed = PackedLinear(pack_float8(torch.randn(8, 8)), (8, 8))
    module = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), packed).requires_grad_(False)
    x = torch.randn(3, 8)
    before, state = module(x), dict(module.state_dict())
    onednn.use_where_it_pays(module, torch.device("cuda"))
    assert type(module[0]) is nn.Linear
    onednn.use_where_it_pays(module, CPU)
    assert type(module[0]) is onednn.OneDNNLinear
    assert packed.multiply is onednn.linear
    assert module.state_dict().keys() == state.keys()
    torch.testing.assert_close(module(x), before, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("capability", "vendor", "expected"),
    [
        ("AVX512", "vendor_id : AuthenticAMD", True),
        ("AVX512", "AMD64 Family 26 Model 2 Stepping 1, AuthenticAMD", True),
        ("AVX512", "vendor_id : GenuineIntel", False),
        ("AVX2", "vendor_id : AuthenticAMD", False),
        ("DEFAULT", "", False),
    ],
)
def test_it_pays_on_amds_cpus_with_avx512(
    capability: str, vendor: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(onednn, "_vendor", lambda: vendor)
    onednn._pays_here.cache_clear()
    try:
        assert onednn.pays(CPU) is expected
        assert onednn.pays(torch.device("meta")) is False
    finally:
        onednn._pays_here.cache_clear()
