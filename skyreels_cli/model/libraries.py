"""What films use of diffusers and transformers, imported without what they do not use.

Both offer so many models that importing them takes longer than torch. Of the 4.0 seconds that a film took to import 1.0
were torch's compiler, 0.4 torch's distributed tensors, with sympy, for the parallelism of transformers, 0.6 reading the
files of transformers for the names in them, 0.5 other models of diffusers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import utils
from transformers.utils import import_utils

from skyreels_cli.model.lazy_compiler import compiler_kept_waiting
from skyreels_cli.model.lazy_package import LazyPackage

EAGER = (
    "transformers.models",
    "diffusers.models.transformers",
    "diffusers.models.autoencoders",
    "diffusers.models.unets",
    "diffusers.hooks",
)
"""Packages that import, or read, all that is in them."""


@contextmanager
def not_distributed() -> Iterator[None]:
    """Import modules of transformers without what they spread one model over several processes with; we do that."""
    known = import_utils.is_torch_distributed_available
    for module in (utils, import_utils):
        module.is_torch_distributed_available = lambda: False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in (utils, import_utils):
            module.is_torch_distributed_available = known  # type: ignore[attr-defined]


with compiler_kept_waiting(), not_distributed():
    for name in EAGER:
        LazyPackage.install(name)
    from accelerate import init_empty_weights
    from diffusers.configuration_utils import register_to_config
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, WanCausalConv3d, unpatchify
    from diffusers.models.transformers.transformer_skyreels_v2 import (
        SkyReelsV2Transformer3DModel,
        SkyReelsV2TransformerBlock,
    )
    from transformers import AutoTokenizer, UMT5Config, UMT5EncoderModel

__all__ = [
    "AutoTokenizer",
    "AutoencoderKLWan",
    "SkyReelsV2Transformer3DModel",
    "SkyReelsV2TransformerBlock",
    "UMT5Config",
    "UMT5EncoderModel",
    "WanCausalConv3d",
    "init_empty_weights",
    "register_to_config",
    "unpatchify",
]
