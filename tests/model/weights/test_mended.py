"""Where diffusers reads weights wrongly, so that the program has readers of its own: a failure here means it is mended.

Then the reader may go; each test says which.
"""

from __future__ import annotations

import inspect

import pytest
import torch
from diffusers.hooks import layerwise_casting
from diffusers.loaders import lora_conversion_utils, single_file_utils
from diffusers.models import model_loading_utils
from diffusers.quantizers.gguf import utils as gguf_utils


def test_fps_projections_of_df_1_3b_are_not_renamed() -> None:
    """`hub/wan/dit.py`: the converter leaves them as they are, and the model cannot load them."""
    checkpoint = {"model.diffusion_model.fps_projection.0.weight": torch.ones(1)}
    converted = single_file_utils.convert_wan_transformer_to_diffusers(checkpoint)
    assert list(converted) == ["fps_projection.0.weight"]


@pytest.mark.parametrize("scale", ["scale_weight", "weight_scale"])
def test_scales_of_float8_are_not_applied(scale: str) -> None:
    """`hub/stored.py`: a weight comes out as it was stored, its scale as a tensor of no module."""
    name = "blocks.0.self_attn.q"
    checkpoint = {f"{name}.weight": torch.full((1,), 3.0), f"{name}.{scale}": torch.full((1,), 0.5)}
    converted = single_file_utils.convert_wan_transformer_to_diffusers(checkpoint)
    assert converted["blocks.0.attn1.to_q.weight"].item() == 3.0


def test_layerwise_casting_knows_no_scale() -> None:
    """`model/weights/packed.py`: hooks cast, and multiply with nothing."""
    assert "scale" not in inspect.getsource(layerwise_casting.LayerwiseCastingHook)


def test_flattened_tensors_of_gguf_stay_flat() -> None:
    """`hub/gguf_header.py`: `comfy.gguf.orig_shape` is not read."""
    assert "orig_shape" not in inspect.getsource(model_loading_utils.load_gguf_checkpoint)


def test_gguf_is_unpacked_in_float16_whatever_the_arithmetic() -> None:
    """`model/weights/packed.py`: no dtype reaches the functions that unpack."""
    assert "dtype" not in inspect.signature(gguf_utils.dequantize_gguf_tensor).parameters


def test_a_lora_of_attention_alone_cannot_be_converted() -> None:
    """`hub/lora_names.py`: kohya's are converted whole or not at all."""
    name = "lora_unet_blocks_0_self_attn_q"
    tensors = {f"{name}.lora_down.weight": torch.ones(1, 2), f"{name}.lora_up.weight": torch.ones(2, 1)}
    with pytest.raises(KeyError):
        lora_conversion_utils._convert_musubi_wan_lora_to_diffusers({**tensors, f"{name}.alpha": torch.tensor(1)})


def test_changes_of_norms_are_dropped() -> None:
    """`hub/lora_names.py`: distilled LoRAs come with them."""
    module = "diffusion_model.blocks.0"
    tensors = {f"{module}.norm3.diff": torch.ones(2)}
    for part in ("self_attn", "cross_attn"):
        for one in "qkvo":
            tensors[f"{module}.{part}.{one}.lora_A.weight"] = torch.ones(1, 2)
            tensors[f"{module}.{part}.{one}.lora_B.weight"] = torch.ones(2, 1)
    for one in ("ffn.0", "ffn.2"):
        tensors[f"{module}.{one}.lora_A.weight"] = torch.ones(1, 2)
        tensors[f"{module}.{one}.lora_B.weight"] = torch.ones(2, 1)
    converted = lora_conversion_utils._convert_non_diffusers_wan_lora_to_diffusers(tensors)
    assert not any("norm" in name for name in converted)
