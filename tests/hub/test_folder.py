"""Model folders: what a whole one says, and what is refused before a weight is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.folder import open_folder

GOLDEN = Path(__file__).parents[1] / "golden"


def refused(folder: Path, code: str) -> UsageError:
    with pytest.raises(UsageError) as error:
        open_folder(folder, "ball")
    assert (error.value.code, error.value.exit_code) == (code, 2)
    assert error.value.hint
    return error.value


def test_a_whole_model() -> None:
    facts = open_folder(GOLDEN / "model", "ball")
    assert (facts.name, facts.family, facts.patch, facts.spatial_stride) == ("ball", "df", (1, 2, 2), 8)
    assert facts.transformer.config["inject_sample_info"] is True
    for component in (facts.transformer, facts.vae, facts.text_encoder):
        with safe_open(component.files[0], "numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            elements = sum(file.get_tensor(name).size for name in shapes)
        assert {name: tensor.shape for name, tensor in component.tensors.items()} == shapes
        assert component.parameters == {"F32": elements}
        assert component.parameter_count == elements


@pytest.mark.parametrize(
    ("pipeline", "family"),
    [
        ("SkyReelsV2DiffusionForcingPipeline", "df"),
        ("SkyReelsV2DiffusionForcingImageToVideoPipeline", "df"),
        ("SkyReelsV2DiffusionForcingVideoToVideoPipeline", "df"),
    ],
)
def test_family(model: Path, edit_json: Callable[..., None], pipeline: str, family: str) -> None:
    edit_json(model / "model_index.json", _class_name=pipeline)
    assert open_folder(model, "ball").family == family


@pytest.mark.parametrize(("folder", "family"), [("model_t2v", "t2v"), ("i2v_clip/model", "i2v")])
def test_models_of_the_other_families(folder: str, family: str) -> None:
    facts = open_folder(GOLDEN / folder, "ball")
    assert facts.family == family
    assert tuple(component.name for component in facts.components) == facts.traits.components


def test_a_model_with_an_fps_input_is_no_t2v_model(model: Path, edit_json: Callable[..., None]) -> None:
    edit_json(model / "model_index.json", _class_name="SkyReelsV2Pipeline")
    assert "as DF models do" in refused(model, "model-family").message


def test_another_family_is_named(model: Path, edit_json: Callable[..., None]) -> None:
    edit_json(model / "model_index.json", _class_name="WanPipeline")
    assert "WanPipeline" in refused(model, "model-family").message


def test_another_transformer_is_named(model: Path, edit_json: Callable[..., None]) -> None:
    edit_json(model / "transformer/config.json", _class_name="WanTransformer3DModel")
    assert "WanTransformer3DModel" in refused(model, "model-family").message


def test_a_transformer_with_image_channels_is_no_df_model(model: Path, edit_json: Callable[..., None]) -> None:
    edit_json(model / "transformer/config.json", in_channels=36)
    assert "36 channels" in refused(model, "model-family").message


def test_missing_folder_names_the_sibling(model: Path) -> None:
    assert refused(model.with_name("bal"), "model-not-found").message.endswith('did you mean "ball"?')


def test_a_file_is_no_folder(model: Path) -> None:
    error = refused(model / "model_index.json", "model-not-a-folder")
    assert error.hint == f"--model {model}"


@pytest.mark.parametrize("given", [".", "ball/transformer"])
def test_a_folder_above_or_below_points_to_the_model(model: Path, given: str) -> None:
    assert refused(model.parent / given, "model-not-a-folder").hint == f"--model {model}"


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_broken_index(model: Path, content: str) -> None:
    (model / "model_index.json").write_text(content)
    refused(model, "model-broken")


@pytest.mark.parametrize(
    "file",
    [
        "transformer/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
    ],
)
def test_a_missing_file_is_named(model: Path, file: str) -> None:
    (model / file).unlink()
    assert Path(file).name in refused(model, "model-incomplete").message


def test_truncated_weights(model: Path) -> None:
    weights = model / "transformer/diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    message = refused(model, "model-truncated").message
    assert f"{len(whole) // 2:,} of {len(whole):,} bytes" in message


def test_pickles_only_are_converted_by_the_command_that_is_hinted(model: Path) -> None:
    odd = model.rename(model.with_name("Anna's $HOME model"))
    weights = odd / "vae/diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    error = refused(odd, "model-pickle-only")
    assert "diffusion_pytorch_model.bin" in error.message
    assert error.hint is not None
    assert "weights_only=True" in error.hint
    subprocess.run(error.hint.replace("python", sys.executable, 1), shell=True, check=True)
    assert open_folder(odd, "ball").vae.parameters == open_folder(GOLDEN / "model", "ball").vae.parameters


def test_another_precision_is_not_taken_silently(model: Path) -> None:
    folder = model / "vae"
    (folder / "diffusion_pytorch_model.safetensors").rename(folder / "diffusion_pytorch_model.fp16.safetensors")
    assert "it has diffusion_pytorch_model.fp16.safetensors" in refused(model, "model-incomplete").message


def test_shards(model: Path, shard: Callable[[Path], list[Path]]) -> None:
    single = open_folder(model, "ball").transformer
    files = shard(single.files[0])
    sharded = open_folder(model, "ball").transformer
    assert sharded.files == tuple(files)
    assert sharded.parameters == single.parameters
    assert {name: tensor.shape for name, tensor in sharded.tensors.items()} == {
        name: tensor.shape for name, tensor in single.tensors.items()
    }


def test_missing_shard_is_named(model: Path, shard: Callable[[Path], list[Path]]) -> None:
    _, second = shard(model / "transformer/diffusion_pytorch_model.safetensors")
    second.unlink()
    message = refused(model, "model-incomplete").message
    assert f"1 of 2 weight files: {second.name}" in message


def test_a_tensor_absent_from_its_shard_is_named(
    model: Path, shard: Callable[[Path], list[Path]], edit_json: Callable[..., None]
) -> None:
    first, _ = shard(model / "text_encoder/model.safetensors")
    index = model / "text_encoder/model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    edit_json(index, weight_map=weight_map | {"lm_head.weight": first.name})
    assert f"lm_head.weight ({first.name})" in refused(model, "model-incomplete").message


@pytest.mark.parametrize("shard_name", ["../x.safetensors", "/etc/x", "a\\b", 5])
def test_an_index_reaches_nothing_outside_its_folder(model: Path, shard_name: object) -> None:
    index = {"weight_map": {"a": shard_name}}
    (model / "vae/diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    refused(model, "model-broken")


def test_the_card_gives_defaults_and_summary(model: Path) -> None:
    card = {"name": "Ball", "summary": "knows one ball", "defaults": {"inference_steps": 8}}
    (model / "skyreels.json").write_text(json.dumps(card))
    facts = open_folder(model, "ball")
    assert (facts.summary, facts.defaults) == ("Ball: knows one ball", {"inference_steps": 8})


@pytest.mark.parametrize(("card", "says"), [({"steps": 8}, "steps: unknown"), ({"defaults": 8}, "defaults: must")])
def test_a_wrong_card_is_refused(model: Path, card: object, says: str) -> None:
    (model / "skyreels.json").write_text(json.dumps(card))
    with pytest.raises(UsageError, match=says) as error:
        open_folder(model, "ball")
    assert error.value.code == "model-broken"


def test_a_damaged_download_says_how_to_repeat_it(tmp_path: Path, model: Path) -> None:
    cached = tmp_path / "hub/models--owner--ball/snapshots/0123abc"
    cached.parent.mkdir(parents=True)
    model.rename(cached)
    (cached / "vae/config.json").unlink()
    assert refused(cached, "model-incomplete").hint == "skyreels download owner/ball --verify"
