"""LoRA files in every dialect: what they change is told by their headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import Component
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.lora import Lora, open_lora, parse_lora
from skyreels_cli.hub.wan.dit import original_name

GOLDEN = Path(__file__).parents[1] / "golden"
LAYOUTS = GOLDEN / "layouts"
Tensors = Mapping[str, Tensor]


@pytest.fixture(scope="module")
def transformer() -> Component:
    return open_folder(GOLDEN / "model", "ball").transformer


@pytest.fixture(scope="module")
def plain() -> dict[str, Tensor]:
    """Factors of every attention layer, by `blocks.N.attn1.to_q` and `down` or `up`."""
    tensors = load_file(LAYOUTS / "lora_diffusers.safetensors")
    named = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    return {name.replace(".lora_A.weight", " down").replace(".lora_B.weight", " up"): t for name, t in named.items()}


def spelt(plain: Tensors, prefix: str, down: str, up: str, rename: Callable[[str], str] = str) -> dict[str, Tensor]:
    ends = {"down": down, "up": up}
    parts = ((*name.split(" "), tensor) for name, tensor in plain.items())
    return {f"{prefix}{rename(module)}{ends[role]}": tensor.contiguous() for module, role, tensor in parts}


def flat(module: str) -> str:
    return original_name(module).replace(".", "_")


AB, KOHYA = (".lora_A.weight", ".lora_B.weight"), (".lora_down.weight", ".lora_up.weight")
DIALECTS: dict[str, Callable[[Tensors], dict[str, Tensor]]] = {
    "diffusers": lambda plain: spelt(plain, "transformer.", *AB),
    "diffusers, old": lambda plain: spelt(plain, "transformer.", ".lora.down.weight", ".lora.up.weight"),
    "comfy": lambda plain: spelt(plain, "diffusion_model.", *AB, original_name),
    "comfy, down and up": lambda plain: spelt(plain, "diffusion_model.", *KOHYA, original_name),
    "bare": lambda plain: spelt(plain, "", *AB, original_name),
    "peft": lambda plain: spelt(plain, "base_model.model.", *AB, original_name),
    "peft, named": lambda plain: spelt(
        plain, "base_model.model.", ".lora_A.default.weight", ".lora_B.default.weight", original_name
    ),
    "diffsynth": lambda plain: spelt(
        plain, "pipe.dit.", ".lora_A.default.weight", ".lora_B.default.weight", original_name
    ),
    "kohya": lambda plain: spelt(plain, "lora_unet_", *KOHYA, flat),
    "videox-fun": lambda plain: spelt(plain, "lora_unet__", *KOHYA, flat),
    "lycoris": lambda plain: spelt(plain, "lycoris_", *KOHYA, flat),
    "two prefixes": lambda plain: spelt(plain, "base_model.model.diffusion_model.", *AB, original_name),
}


def written(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> str:
    save_file(dict(tensors), path, metadata=metadata)
    return str(path)


def targets(lora: Lora) -> set[str]:
    return {change.target for change in lora.changes}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_means_the_same(dialect: str, plain: Tensors, transformer: Component, tmp_path: Path) -> None:
    lora = open_lora(written(tmp_path / "l.safetensors", DIALECTS[dialect](plain)), transformer)
    assert targets(lora) == {f"{name.split(' ')[0]}.weight" for name in plain}
    assert (lora.matched, lora.total, lora.of_images) == (60, 60, 0)


def test_attention_alone_is_enough(plain: Tensors, transformer: Component, tmp_path: Path) -> None:
    one = {name: tensor for name, tensor in plain.items() if "attn1" in name}
    lora = open_lora(written(tmp_path / "l.safetensors", spelt(one, "lora_unet_", *KOHYA, flat)), transformer)
    assert targets(lora) == {f"{name.split(' ')[0]}.weight" for name in one}


def test_parts_for_image_conditioning_are_left_out_and_counted(
    plain: Tensors, transformer: Component, tmp_path: Path
) -> None:
    tensors = spelt(plain, "diffusion_model.", *AB, original_name)
    for name in ("blocks.0.cross_attn.k_img", "img_emb.proj.1"):
        tensors |= {f"diffusion_model.{name}.lora_A.weight": torch.ones(4, 48)}
        tensors |= {f"diffusion_model.{name}.lora_B.weight": torch.ones(48, 4)}
    tensors["diffusion_model.patch_embedding.diff"] = torch.ones(48, 36, 1, 2, 2)
    lora = open_lora(written(tmp_path / "l.safetensors", tensors), transformer)
    assert (lora.matched, lora.of_images, lora.total) == (60, 5, 65)
    assert "60 of 65 tensors match, 5 for image conditioning are left out" in lora.told


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("diffusion_model.blocks.1.diff_m", "blocks.1.scale_shift_table"),
        ("diffusion_model.blocks.1.modulation.diff", "blocks.1.scale_shift_table"),
        ("diffusion_model.head.modulation.diff", "scale_shift_table"),
        ("diffusion_model.blocks.1.norm3.diff", "blocks.1.norm2.weight"),
        ("diffusion_model.blocks.1.norm3.diff_b", "blocks.1.norm2.bias"),
        ("blocks.0.self_attn.norm_q.diff", "blocks.0.attn1.norm_q.weight"),
        ("diffusion_model.time_projection.1.diff", "condition_embedder.time_proj.weight"),
    ],
)
def test_full_changes(key: str, target: str, transformer: Component, tmp_path: Path) -> None:
    tensors = {key: torch.zeros(transformer.tensors[target].shape)}
    assert targets(open_lora(written(tmp_path / "l.safetensors", tensors), transformer)) == {target}


@pytest.mark.parametrize(
    ("tensors", "code", "says"),
    [
        ({"lora_unet_blocks_0_self_attn_q.hada_w1_a": (4, 4)}, "lora-method", "LoHa"),
        ({"lycoris_blocks_0_self_attn_q.lokr_w1": (4, 4)}, "lora-method", "LoKr"),
        ({"blocks.0.self_attn.q.dora_scale": (48, 1)}, "lora-method", "DoRA"),
        ({"lora_unet_input_blocks_1.lora_down.weight": (4, 4)}, "lora-unmatched", "changes nothing of this model"),
        (
            {"text_encoder.x.lora_A.weight": (4, 4), "text_encoder.x.lora_B.weight": (4, 4)},
            "lora-unmatched",
            "text_enc",
        ),
        (
            {"blocks.0.ffn.0.lora_A.weight": (4, 5120), "blocks.0.ffn.0.lora_B.weight": (13824, 4)},
            "lora-size",
            "13824 × 5120 there and 96 × 48 here",
        ),
    ],
)
def test_what_cannot_be_applied_is_said(
    tensors: dict[str, tuple[int, ...]], code: str, says: str, transformer: Component, tmp_path: Path
) -> None:
    path = written(tmp_path / "l.safetensors", {name: torch.ones(shape) for name, shape in tensors.items()})
    with pytest.raises(UsageError, match=says) as refused:
        open_lora(path, transformer)
    assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert refused.value.hint


def test_a_pickle_is_no_lora(transformer: Component, tmp_path: Path) -> None:
    torch.save({"x": torch.ones(1)}, tmp_path / "l.pt")
    with pytest.raises(UsageError) as refused:
        open_lora(str(tmp_path / "l.pt"), transformer)
    assert refused.value.code == "lora-pickle"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a.safetensors", ("a.safetensors", 1.0)),
        ("a:0.5", ("a", 0.5)),
        ("a:-1", ("a", -1.0)),
        ("dir:x/a:.25", ("dir:x/a", 0.25)),
    ],
)
def test_a_strength_stands_behind_a_colon(said: str, expected: tuple[str, float]) -> None:
    assert parse_lora(said) == (Path(expected[0]), expected[1])


def test_a_strength_must_be_a_number() -> None:
    with pytest.raises(UsageError) as refused:
        parse_lora("a.safetensors:strong")
    assert (refused.value.code, refused.value.hint) == ("lora-scale", "--lora a.safetensors:0.8")


def test_peft_says_how_strong_it_is_beside_the_file_or_in_its_header(
    plain: Tensors, transformer: Component, tmp_path: Path
) -> None:
    config = {"r": 4, "lora_alpha": 8, "use_rslora": True, "alpha_pattern": {"blocks.0.self_attn.q": 2}}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    beside = open_lora(written(tmp_path / "adapter_model.safetensors", DIALECTS["peft"](plain)), transformer)
    alphas = {change.target: change.alpha for change in beside.changes}
    assert alphas.pop("blocks.0.attn1.to_q.weight") == 2
    assert set(alphas.values()) == {8}
    assert all(change.stabilised for change in beside.changes)
    said = json.dumps({"transformer.lora_alpha": 3, "transformer.r": 4})
    path = written(tmp_path / "l.safetensors", DIALECTS["diffusers"](plain), {"lora_adapter_metadata": said})
    assert {(change.alpha, change.stabilised) for change in open_lora(path, transformer).changes} == {(3, False)}
