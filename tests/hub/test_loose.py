"""Single files and folders in the original layout: told by their headers, completed by a base."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.open import open_model
from skyreels_cli.hub.tensor import StoredTensor
from skyreels_cli.hub.wan.dit import diffusers_name, original_name
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.model.loading import load_transformer

GOLDEN = Path(__file__).parents[1] / "golden"
LAYOUTS = GOLDEN / "layouts"
DF, I2V = str(GOLDEN / "model"), str(GOLDEN / "i2v_clip/model")
DIT = "transformer/diffusion_pytorch_model.safetensors"
CPU = torch.device("cpu")


def wan(model: str) -> dict[str, Tensor]:
    """The golden transformer under its original names."""
    return {original_name(name): tensor for name, tensor in load_file(Path(model) / DIT).items()}


def refused(path: Path, base: str | None = None) -> UsageError:
    with pytest.raises(UsageError) as error:
        open_model(str(path), base)
    assert error.value.exit_code == 2
    assert error.value.hint
    return error.value


def saved(path: Path, tensors: dict[str, Tensor], **metadata: str) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=metadata or None)
    return path


def same_weights(path: Path, base: str, **tolerance: float) -> None:
    ours = load_transformer(weights_spec(open_model(str(path), base), "float32"), CPU).state_dict()
    for name, tensor in load_file(Path(base) / DIT).items():
        assert torch.allclose(ours[name], tensor, **tolerance), name


@pytest.mark.parametrize("model", [DF, I2V])
def test_names_go_there_and_back(model: str) -> None:
    for name in load_file(Path(model) / DIT):
        assert diffusers_name(original_name(name)) == name


@pytest.mark.parametrize("prefix", ["", "model.", "model.diffusion_model.", "diffusion_model."])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_single_files(prefix: str, dtype: torch.dtype, tmp_path: Path) -> None:
    path = saved(tmp_path / "x.bin", {prefix + name: tensor.to(dtype) for name, tensor in wan(DF).items()})
    same_weights(path, DF, rtol=2**-8, atol=1e-6)
    facts = open_model(str(path), DF)
    assert facts.transformer.config["inject_sample_info"] is True
    assert facts.transformer.config["num_attention_heads"] == 2


def test_a_checkpoint_with_other_parts_in_it_gives_its_transformer(tmp_path: Path) -> None:
    tensors = {f"model.diffusion_model.{name}": tensor for name, tensor in wan(DF).items()}
    tensors |= {"first_stage_model.decoder.x": torch.ones(2), "cond_stage_model.y": torch.ones(2)}
    same_weights(saved(tmp_path / "x.safetensors", tensors), DF)


def test_diffusers_names_in_one_file(tmp_path: Path) -> None:
    same_weights(saved(tmp_path / "x.safetensors", load_file(Path(DF) / DIT)), DF)


def test_a_scale_for_each_row_and_formats_in_the_header(tmp_path: Path) -> None:
    tensors, layers = {}, {}
    for name, tensor in wan(DF).items():
        if name.startswith("blocks.") and tensor.ndim == 2:
            scale = tensor.abs().amax(dim=1, keepdim=True) / 448
            tensors[name] = (tensor / scale).to(torch.float8_e4m3fn)
            tensors[name.replace(".weight", ".weight_scale")] = scale
            tensors[name.replace(".weight", ".input_scale")] = torch.ones(1)
            layers[name.removesuffix(".weight")] = {"format": "float8_e4m3fn"}
        else:
            tensors[name] = tensor
    path = saved(tmp_path / "x", tensors, _quantization_metadata=json.dumps({"layers": layers}))
    same = load_transformer(weights_spec(open_model(str(path), DF), "float32"), CPU)
    exact = load_file(Path(DF) / DIT)
    x = torch.randn(5, 48)
    for name in ("blocks.0.attn1.to_q", "blocks.2.attn2.to_out.0"):
        expected = torch.nn.functional.linear(x, exact[f"{name}.weight"], exact[f"{name}.bias"])
        assert (same.get_submodule(name)(x) - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("format_", ["nvfp4", "int8_tensorwise", "mxfp8"])
def test_other_formats_are_named(format_: str, tmp_path: Path) -> None:
    said = json.dumps({"format": format_}).encode()
    tensors = {**wan(DF), "blocks.0.ffn.0.comfy_quant": torch.frombuffer(bytearray(said), dtype=torch.uint8)}
    error = refused(saved(tmp_path / "x", tensors), DF)
    assert error.code == "model-unknown"
    assert f"blocks.0.ffn.0 in the format {format_}" in error.message


def test_integers_are_named(tmp_path: Path) -> None:
    tensors = wan(DF) | {"blocks.0.ffn.0.weight": torch.zeros(96, 48, dtype=torch.int8)}
    assert "blocks.0.ffn.0.weight as I8" in refused(saved(tmp_path / "x", tensors), DF).message


CHANGES: dict[str, tuple[Callable[[dict[str, Tensor]], dict[str, Tensor]], str, str]] = {
    "another Wan": (lambda t: {**t, "vace_blocks.0.before_proj.bias": torch.ones(4)}, "model-unknown", "vace_blocks"),
    "other channels": (
        lambda t: {**t, "patch_embedding.weight": torch.ones(48, 48, 1, 2, 2)}, "model-family", "takes 48 channels",
    ),
    "no transformer": (lambda t: {"encoder.conv1.weight": t["patch_embedding.weight"]}, "model-incomplete", "lacks"),
    "nothing known": (lambda _: {"a": torch.ones(1), "b": torch.ones(1)}, "model-unknown", "its 2 tensors are a, b"),
    "half a model": (
        lambda t: {name: x for name, x in t.items() if not name.startswith("head")}, "model-incomplete", "proj_out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_found_is_said(change: str, tmp_path: Path) -> None:
    edit, code, says = CHANGES[change]
    error = refused(saved(tmp_path / "x", edit(wan(DF))), DF)
    assert (error.code, says in error.message) == (code, True), error.message


def test_a_lora_is_no_model() -> None:
    error = refused(LAYOUTS / "lora_kohya.safetensors")
    assert "is a LoRA" in error.message
    assert "--lora" in str(error.hint)


def without_fps(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("fps")}


@pytest.mark.parametrize(
    ("name", "family"),
    [("sky_reels2_diffusion_forcing_14B", "df"), ("Wan2_1-SkyReels-V2-DF-14B", "df"), ("SkyReels-V2-T2V-14B", "t2v")],
)
def test_a_name_tells_df_from_t2v_where_tensors_do_not(name: str, family: str, tmp_path: Path) -> None:
    path = saved(tmp_path / name, without_fps(wan(DF)))
    with pytest.raises(UsageError, match="of no released size"):
        open_model(str(path))  # the family was told; only a base is lacking
    base = DF if family == "df" else str(GOLDEN / "model_t2v")
    assert open_model(str(path), base).family == family


def test_where_nothing_tells_it_is_asked(tmp_path: Path) -> None:
    error = refused(saved(tmp_path / "x", without_fps(wan(DF))))
    assert error.code == "model-family"
    assert "may be a DF or T2V model" in error.message


def test_the_base_must_be_of_the_family() -> None:
    error = refused(LAYOUTS / "single_fp8_i2v.safetensors", DF)
    assert error.code == "model-family"
    assert "I2V family, its base is DF" in error.message


def test_a_whole_model_has_no_base() -> None:
    assert refused(Path(DF), I2V).code == "model-base"


def test_the_bundled_model_is_found_as_the_base_of_its_own_weights(tmp_path: Path) -> None:
    tiny = open_model("tiny")
    shutil.copy(tiny.transformer.files[0], tmp_path / "df.safetensors")
    facts = open_model(str(tmp_path / "df.safetensors"))
    assert facts.vae.files == tiny.vae.files
    assert facts.defaults == tiny.defaults


@pytest.mark.parametrize("shard", [1, 2, 3])
def test_a_missing_shard_is_told(shard: int, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LAYOUTS / "original_i2v", tmp_path / "model"))
    (folder / f"model-0000{shard}-of-00003.safetensors").unlink()
    error = refused(folder)
    assert error.code == "model-incomplete"
    assert "shard" in f"{error.message} {error.hint}"


def test_shards_in_the_other_naming_and_two_transformers(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LAYOUTS / "original_i2v", tmp_path / "model"))
    for shard in folder.glob("model-*.safetensors"):
        shard.rename(folder / shard.name.replace("model-", "diffusion_pytorch_model-").replace("of-00003", "of-00009"))
    assert open_model(str(folder)).family == "i2v"
    shutil.copy(LAYOUTS / "single_fp8_i2v.safetensors", folder)
    error = refused(folder)
    assert "both hold" in error.message
    assert str(error.hint).startswith("--model ")


def test_parts_that_a_folder_lacks_come_from_a_base(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LAYOUTS / "original_df", tmp_path / "DF-model"))
    (folder / "Wan2.1_VAE.pth").unlink()
    facts = open_model(str(folder), DF)
    assert facts.vae.files[0].is_relative_to(DF)
    assert facts.text_encoder.files[0].is_relative_to(folder)


def write_gguf(path: Path, arch: str | None, kind: str, flat: bool) -> Path:
    """The golden I2V transformer as converters write it."""
    writer = gguf.GGUFWriter(path, arch or "none")
    for name, tensor in wan(I2V).items():
        data = tensor.numpy()
        if name == "patch_embedding.weight" and flat:
            writer.add_array(f"comfy.gguf.orig_shape.{name}", list(data.shape))
            data = data.reshape(-1, 32)
        if data.ndim == 2 and data.shape[-1] % 32 == 0 and data.size > 999:
            quantised = gguf.quants.quantize(data, gguf.GGMLQuantizationType[kind])
            writer.add_tensor(name, quantised, raw_dtype=gguf.GGMLQuantizationType[kind])
        else:
            writer.add_tensor(name, np.ascontiguousarray(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("arch", ["wan", "pig", "cow"])
@pytest.mark.parametrize(("kind", "flat"), [("Q8_0", True), ("Q8_0", False), ("Q5_1", True), ("BF16", False)])
def test_gguf_as_converters_write_it(arch: str, kind: str, flat: bool, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "x", arch, kind, flat)
    facts = open_model(str(path), I2V)
    assert facts.transformer.config["in_channels"] == 36
    assert kind in facts.transformer.parameters
    loaded = load_transformer(weights_spec(facts, "float32"), CPU)
    exact = load_file(Path(I2V) / DIT)
    patches = loaded.patch_embedding.weight
    assert patches.shape == (48, 36, 1, 2, 2)
    assert (patches - exact["patch_embedding.weight"]).abs().max() < 0.1 * patches.abs().max()
    x = torch.randn(3, 96)
    expected = torch.nn.functional.linear(x, exact["blocks.0.ffn.net.2.weight"])
    made = loaded.blocks[0].ffn.net[2](x) - exact["blocks.0.ffn.net.2.bias"]
    assert (made - expected).abs().max() < 0.1 * expected.abs().max()


def test_where_a_tensor_lies(tmp_path: Path) -> None:
    facts = open_model(str(LAYOUTS / "single_fp8_scaled_i2v.safetensors"), I2V)
    tensor = facts.transformer.tensors["blocks.0.attn1.to_q.weight"]
    assert isinstance(tensor, StoredTensor)
    assert tensor.key == "model.diffusion_model.blocks.0.self_attn.q.weight"
    assert tensor.scale == "model.diffusion_model.blocks.0.self_attn.q.scale_weight"
    clip = open_model(str(LAYOUTS / "original_i2v")).image_encoder
    assert clip is not None
    key = clip.tensors["vision_model.encoder.layers.1.self_attn.k_proj.weight"]
    assert isinstance(key, StoredTensor)
    assert (key.part, key.shape) == ((1, 3), (32, 32))


def identity(facts: Any) -> Any:
    return weights_spec(facts, "float32").identity()


def test_identity_has_names_and_hashes_and_no_place(tmp_path: Path) -> None:
    first = open_model(str(LAYOUTS / "original_df"))
    copy = shutil.copytree(LAYOUTS / "original_df", tmp_path / "elsewhere-df")
    second = open_model(str(copy))
    assert identity(first)["sha256"] == identity(second)["sha256"]
    assert set(identity(first)["sha256"]) == {
        "transformer/model.safetensors", "vae/Wan2.1_VAE.pth", "text_encoder/models_t5_umt5-xxl-enc-bf16.pth",
    }  # fmt: skip
    assert weights_spec(first, "float32") != weights_spec(second, "float32")  # other files in memory
    assert weights_spec(first, "float32") == weights_spec(open_model(str(LAYOUTS / "original_df")), "float32")
    assert weights_spec(first, "float32") != weights_spec(first, "bfloat16")
    lora = str(LAYOUTS / "lora_comfy.safetensors")
    assert weights_spec(first, "float32", "file", [lora]) != weights_spec(first, "float32", "file", [f"{lora}:0.5"])
    assert hash(weights_spec(first, "float32", "file", [lora])) == hash(weights_spec(first, "float32", "file", [lora]))
