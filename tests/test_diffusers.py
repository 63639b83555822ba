"""What the program uses of diffusers beyond its documented interface: why only one minor release at a time is allowed.

Before the range in pyproject.toml is moved, this list shows where to look. The test fails where a name is gone; that a
name still means the same is seen by the golden films.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib import import_module

import pytest

from tests.source import ROOT, imported_names, program

PRIVATE = {
    # The forward pass is ours, the modules in it are theirs: skyreels_cli/model/transformer.py
    "diffusers.models.transformers.transformer_skyreels_v2": {
        "SkyReelsV2TransformerBlock": ("attn1", "attn2", "ffn", "norm1", "norm2", "norm3", "scale_shift_table"),
        "SkyReelsV2Transformer3DModel": (
            *("rope", "patch_embedding", "condition_embedder", "blocks", "norm_out", "proj_out"),
            *("scale_shift_table", "fps_embedding", "fps_projection"),
        ),
        "SkyReelsV2TimeTextImageEmbedding": ("timesteps_proj", "time_embedder", "act_fn", "time_proj", "text_embedder"),
    },
    # Constructor arguments of a model class: skyreels_cli/model/transformer.py
    "diffusers.configuration_utils": {"register_to_config": ()},
    # Decoding latent by latent, and tile by tile: skyreels_cli/model/vae.py and tiled_vae.py
    "diffusers.models.autoencoders.autoencoder_kl_wan": {
        "WanCausalConv3d": (),
        "unpatchify": ("patch_size",),
        "AutoencoderKLWan": (
            *("post_quant_conv", "decoder", "feat_cache", "feat_idx", "first_chunk", "latents_mean"),
            *("blend_v", "blend_h", "use_tiling", "tile_sample_min_height", "tile_sample_stride_height"),
        ),
    },
    "diffusers.hooks": {
        "HookRegistry": ("check_if_exists_or_initialize",),
        "FirstBlockCacheConfig": ("threshold",),
        "MagCacheConfig": ("threshold", "max_skip_steps", "retention_ratio", "mag_ratios", "calibrate"),
        "TaylorSeerCacheConfig": ("cache_interval", "max_order"),
    },
    "diffusers.models.modeling_utils": {"ModelMixin": ("enable_layerwise_casting",)},
    # Blocks of GGUF to numbers: skyreels_cli/model/weights/packed.py
    "diffusers.quantizers.gguf.utils": {"dequantize_functions": ()},
    # diffusers' own caches on our stack of layers: plugins/skyreels_stepcache
    "diffusers.hooks._helpers": {"TransformerBlockMetadata": (), "TransformerBlockRegistry": ("register",)},
    "diffusers.models.cache_utils": {"CacheMixin": ("enable_cache", "cache_context")},
    # State that a checkpoint saves: plugins/skyreels_schedulers/solvers.py
    "diffusers.schedulers.scheduling_unipc_multistep": {
        "UniPCMultistepScheduler": (
            *("_step_index", "model_outputs", "lower_order_nums", "this_order", "last_sample", "flow_shift"),
        ),
    },
    "diffusers.schedulers.scheduling_dpmsolver_multistep": {
        "DPMSolverMultistepScheduler": ("_step_index", "model_outputs", "lower_order_nums"),
    },
    "diffusers.schedulers.scheduling_flow_match_euler_discrete": {"FlowMatchEulerDiscreteScheduler": ("_step_index",)},
}
"""Names by module, and words that their source must contain: attributes and arguments that the program uses."""


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in PRIVATE.items() for name in names])
def test_what_is_used_is_still_there(module: str, name: str) -> None:
    used = getattr(import_module(module), name)
    if isinstance(used, dict):
        return
    source = inspect.getsource(used)
    assert [word for word in PRIVATE[module][name] if not re.search(rf"\b{word}\b", source)] == []


def test_no_other_private_name_is_imported() -> None:
    imported = {name for module in program() for name in imported_names(module) if name.startswith("diffusers.")}
    private = {name for name in imported if name.count(".") > 1}
    training = {"diffusers.models.autoencoders.autoencoder_kl_wan"}  # the whole module, to train the demo model
    assert private - training - {f"{module}.{name}" for module, names in PRIVATE.items() for name in names} == set()


def test_one_minor_release_at_a_time() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (allowed,) = (text for text in project["dependencies"] if text.startswith("diffusers"))
    bounds = re.fullmatch(r"diffusers>=0\.(\d+)(?:\.\d+)?,<0\.(\d+)", allowed)
    assert bounds
    assert int(bounds[2]) == int(bounds[1]) + 1
