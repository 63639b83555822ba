"""LoRAs as numbers: W + strength · alpha / rank · B·A, on plain weights and beside packed ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.open import open_model
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.model.loading import load_transformer
from skyreels_cli.model.weights.packed import PackedLinear, unpack

GOLDEN = Path(__file__).parents[2] / "golden"
CPU = torch.device("cpu")
QUERY, NORM = "blocks.0.attn1.to_q", "blocks.0.norm2"


def lora(path: Path, alpha: Tensor | None = None, config: dict[str, object] | None = None) -> tuple[Path, Tensor]:
    """A file that changes one matrix; returns it and B·A."""
    generator = torch.Generator().manual_seed(0)
    down, up = (torch.randn(shape, generator=generator) for shape in ((4, 48), (48, 4)))
    tensors = {"blocks.0.self_attn.q.lora_down.weight": down, "blocks.0.self_attn.q.lora_up.weight": up}
    tensors |= {"blocks.0.self_attn.q.alpha": alpha} if alpha is not None else {}
    save_file(tensors, path, metadata={"lora_adapter_metadata": json.dumps(config)} if config else None)
    return path, up @ down


def query(facts: ModelFacts, *loras: str) -> Tensor:
    weight = load_transformer(weights_spec(facts, "float32", "file", loras), CPU).get_parameter(f"{QUERY}.weight")
    return weight.detach()


@pytest.fixture
def facts() -> ModelFacts:
    return open_model(str(GOLDEN / "model"))


@pytest.mark.parametrize(
    ("alpha", "config", "factor"),
    [
        (None, None, 1.0),
        (torch.tensor(8), None, 2.0),  # int64
        (torch.tensor(1.0, dtype=torch.bfloat16), None, 0.25),
        (None, {"lora_alpha": 8, "use_rslora": True}, 4.0),
        (None, {"lora_alpha": 8}, 2.0),
    ],
)
def test_the_factor(
    alpha: Tensor | None, config: dict[str, object] | None, factor: float, facts: ModelFacts, tmp_path: Path
) -> None:
    path, product = lora(tmp_path / "l.safetensors", alpha, config)
    assert torch.allclose(query(facts, f"{path}:0.5"), query(facts) + 0.5 * factor * product, atol=1e-5)


def test_several_add_up(facts: ModelFacts, tmp_path: Path) -> None:
    path, product = lora(tmp_path / "l.safetensors")
    assert torch.allclose(query(facts, f"{path}:0.5", f"{path}:-2"), query(facts) - 1.5 * product, atol=1e-5)


@pytest.mark.parametrize("layout", ["single_fp8_scaled_i2v.safetensors", "wan_i2v-Q8_0.gguf"])
def test_beside_a_packed_weight_it_is_exact(layout: str, tmp_path: Path) -> None:
    facts = open_model(str(GOLDEN / "layouts" / layout), str(GOLDEN / "i2v_clip/model"))
    target = "blocks.0.ffn.net.2"
    generator = torch.Generator().manual_seed(0)
    down, up = (torch.randn(shape, generator=generator) for shape in ((4, 96), (48, 4)))
    path = tmp_path / "l.safetensors"
    save_file({"blocks.0.ffn.2.lora_A.weight": down, "blocks.0.ffn.2.lora_B.weight": up}, path)
    layers = [
        load_transformer(weights_spec(facts, "float32", "file", loras), CPU).get_submodule(target)
        for loras in ([], [f"{path}:0.5", f"{path}:0.25"])
    ]
    x = torch.randn(3, 96, generator=generator)
    plain, changed = layers
    assert isinstance(plain, PackedLinear)
    assert isinstance(changed, PackedLinear)
    assert torch.equal(changed.weight.float(), plain.weight.float())  # still packed as it was
    weight = unpack(plain.kind, plain.weight, plain.scale, torch.float32) + 0.75 * up @ down
    assert torch.allclose(changed(x), torch.nn.functional.linear(x, weight, plain.bias), atol=1e-4)
