"""A further family is two files of its own: put in place, its models are planned, loaded and rendered."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import skyreels_cli.hub.families
import skyreels_cli.model.families
from skyreels_cli.cli.main import main
from skyreels_cli.hub.family import families, family_named
from skyreels_cli.media.reader import read_frames

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "golden"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The golden T2V model with one input channel more, and the family's files where families lie."""
    for package, half in ((skyreels_cli.hub.families, "toy_pure"), (skyreels_cli.model.families, "toy_torch")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(HERE / half)])
        monkeypatch.delitem(sys.modules, f"{package.__name__}.toy", raising=False)
    family_named.cache_clear()
    folder = Path(shutil.copytree(GOLDEN / "model_t2v", tmp_path / "toy"))
    weights = folder / "transformer/diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    patches = tensors["patch_embedding.weight"]
    more = 0.1 * torch.randn(patches[:, :1].shape, generator=torch.Generator().manual_seed(0))
    tensors["patch_embedding.weight"] = torch.cat([patches, more], dim=1)
    save_file(tensors, weights, metadata={"format": "pt"})
    for file, change in (
        ("model_index.json", {"_class_name": "ToyPipeline"}),
        ("transformer/config.json", {"in_channels": 17}),
    ):
        (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **change}))
    return folder


def film(model: Path, output: Path, brightness: int) -> np.ndarray:
    image = output.with_suffix(".png")
    Image.new("RGB", (48, 32), (brightness,) * 3).save(image)
    line = [
        "generate",
        "a red ball",
        "--model",
        str(model),
        "--image",
        str(image),
        "--resolution",
        "48x32",
        "--seed",
        "1",
    ]
    line += ["--num-frames", "5", "--device", "cpu", "--dtype", "float32", "--codec", "ffv1", "-o", str(output), "-q"]
    assert main(line) == 0
    return np.stack(list(read_frames(output))).astype(int)


def test_a_third_family_touches_its_own_two_files(model: Path, tmp_path: Path) -> None:
    assert list(families()) == ["df", "i2v", "t2v", "toy"]
    dark, again, bright = (film(model, tmp_path / f"{n}.mkv", level) for n, level in enumerate((0, 0, 255)))
    assert dark.shape == (5, 32, 48, 3)
    assert np.array_equal(dark, again)
    assert np.abs(dark - bright).mean() > 1  # the condition reaches the film


def test_it_says_what_it_needs(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "a red ball", "--model", str(model), "--dry-run", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "image-missing"
    assert "brightness-to-video" in error["message"]
