"""The bundle is a model folder like any other, small, and made of the stock classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from skyreels_tiny import weights_path

pytestmark = pytest.mark.skipif(not weights_path().exists(), reason="no bundle has been exported yet")


def read(name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((weights_path() / name).read_text())
    return content


def test_the_bundle_is_small_and_whole() -> None:
    files = [path for path in weights_path().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 20e6
    names = {str(path.relative_to(weights_path())) for path in files}
    assert {
        "model_index.json",
        "skyreels.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "transformer/config.json",
        "transformer/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    } <= names


def test_the_index_names_the_diffusion_forcing_pipeline() -> None:
    assert read("model_index.json")["_class_name"] == "SkyReelsV2DiffusionForcingPipeline"


def test_defaults_fit_together() -> None:
    defaults = read("skyreels.json")["defaults"]
    assert isinstance(defaults, dict)
    assert [int(side) % 16 for side in defaults["resolution"].split("x")] == [0, 0]
    assert (defaults["base_num_frames"] - 1) % 4 == 0
    assert (defaults["overlap_history"] - 1) % 4 == 0
    assert defaults["overlap_history"] < defaults["base_num_frames"]


def test_stock_classes_load_the_weights_strictly() -> None:
    diffusers = pytest.importorskip("diffusers")
    folder: Path = weights_path()
    for name, part in (("SkyReelsV2Transformer3DModel", "transformer"), ("AutoencoderKLWan", "vae")):
        model, report = getattr(diffusers, name).from_pretrained(folder / part, output_loading_info=True)
        assert report["missing_keys"] == []
        assert report["unexpected_keys"] == []
        assert sum(parameter.numel() for parameter in model.parameters()) > 1e6
