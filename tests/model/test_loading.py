"""Loading is strict, goes straight to the dtype that is wanted, and builds nothing on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
import torch
from diffusers import SkyReelsV2Transformer3DModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.model.loading import load_text_encoder, load_transformer, load_vae
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.weights.reading import WeightsReader

from .conftest import GOLDEN

CPU = torch.device("cpu")
WEIGHTS = {
    "transformer": "transformer/diffusion_pytorch_model.safetensors",
    "vae": "vae/diffusion_pytorch_model.safetensors",
    "text_encoder": "text_encoder/model.safetensors",
}
LOAD: dict[str, Callable[[ModelFacts], object]] = {
    "transformer": lambda facts: load_transformer(weights_spec(facts, "float32"), CPU),
    "vae": lambda facts: load_vae(weights_spec(facts, "float32"), CPU),
    "text_encoder": lambda facts: load_text_encoder(facts, "float32", CPU),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole model folder that a test may damage."""
    return Path(shutil.copytree(GOLDEN / "model", tmp_path / "ball"))


def damage(path: Path, fault: str) -> str:
    """Spoil one tensor of a weight file; returns its name."""
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if name.endswith(".weight") and tensors[name].ndim > 1)
    if fault == "missing":
        del tensors[name]
    elif fault == "unexpected":
        name = "blocks.99.intruder.weight"
        tensors[name] = torch.zeros(2, 2)
    else:
        tensors[name] = torch.zeros(3, 5)
    save_file(tensors, path, metadata={"format": "pt"})
    return name


@pytest.mark.parametrize("fault", ["missing", "unexpected", "misshapen"])
@pytest.mark.parametrize("part", WEIGHTS)
def test_defect_8_a_wrong_tensor_is_named(model: Path, part: str, fault: str) -> None:
    name = damage(model / WEIGHTS[part], fault)
    with pytest.raises(UsageError) as refused:
        LOAD[part](open_folder(model, "ball"))
    assert (refused.value.code, refused.value.exit_code) == ("model-tensors", 2)
    assert f"{part}: {fault} tensor {name}" in refused.value.message
    assert refused.value.hint


def test_defect_8_before_a_weight_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(model / WEIGHTS["transformer"], "missing")
    monkeypatch.setattr(WeightsReader, "read", lambda *_: pytest.fail("read"))
    with pytest.raises(UsageError, match="missing tensor"):
        LOAD["transformer"](open_folder(model, "ball"))


@pytest.fixture
def wide(model: Path) -> ModelFacts:
    """A model whose transformer is large beside everything else: 5 million parameters, in float32 on disk."""
    torch.manual_seed(0)
    transformer = SkyReelsV2Transformer3DModel(
        num_attention_heads=8, attention_head_dim=32, ffn_dim=1024, num_layers=4, text_dim=32, freq_dim=64
    )
    transformer.save_pretrained(model / "transformer")
    return open_folder(model, "wide")


def allocated_peak(work: Callable[[], object], mapped: int = 0) -> int:
    """Most bytes that torch's CPU allocator had handed out at a time, but for a file of `mapped` bytes."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        kept = work()
    events = recorded.profiler.kineto_results.events()
    sizes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    sizes = [(when, size) for when, size in sizes if abs(size) != mapped]
    del kept
    return max(accumulate(size for _, size in sizes))


def test_defect_10_no_float32_copy_on_the_way(wide: ModelFacts) -> None:
    bytes_in_half = 2 * wide.transformer.parameter_count
    assert bytes_in_half > 9e6
    mapped = wide.transformer.files[0].stat().st_size
    # What is above the weights: modules kept in float32, and float64 tables while the rotary embedding is made.
    assert allocated_peak(lambda: load_transformer(weights_spec(wide, "bfloat16"), CPU), mapped) < 1.3 * bytes_in_half
    built_first = allocated_peak(lambda: SkyReelsV2Transformer3DModel.from_config(dict(wide.transformer.config)))
    assert built_first > 2 * bytes_in_half


def test_weights_arrive_unchanged_and_frozen(facts: ModelFacts) -> None:
    loaded = load_transformer(weights_spec(facts, "float32"), CPU)
    on_disk = load_file(facts.folder / WEIGHTS["transformer"])
    state = loaded.state_dict()
    assert state.keys() == on_disk.keys()
    assert all(torch.equal(state[name], on_disk[name]) for name in on_disk)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_fp8_stores_matrices_in_eight_bits_and_computes_near_bfloat16(wide: ModelFacts) -> None:
    small, plain = (load_transformer(weights_spec(wide, "bfloat16", storage), CPU) for storage in ("fp8", "file"))
    assert small.blocks[0].ffn.net[2].weight.dtype == torch.float8_e4m3fn
    assert small.patch_embedding.weight.dtype == torch.bfloat16
    generator = torch.Generator().manual_seed(1)
    latents, text = (torch.randn(s, generator=generator).bfloat16() for s in ((1, 16, 2, 4, 4), (1, 512, 32)))

    def velocity(transformer: SkyReelsV2Transformer3DModel) -> Tensor:
        with torch.no_grad():
            result: Tensor = transformer(latents, torch.tensor([[900, 100]]), TextContext(text)).float()
        return result

    exact = velocity(plain)
    assert (velocity(small) - exact).norm() < 0.1 * exact.norm()
