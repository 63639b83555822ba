"""The library's classes, taken as untyped: diffusers' lazy imports and decorators leave mypy without their
attributes.
"""

from __future__ import annotations

from typing import Any

import diffusers
import transformers
from diffusers.models.autoencoders import autoencoder_kl_wan as wan

Stock = Any
"""A network, scheduler or tokenizer of diffusers or transformers."""

AutoencoderKLWan: Any = diffusers.AutoencoderKLWan
SkyReelsV2Transformer3DModel: Any = diffusers.SkyReelsV2Transformer3DModel
UniPCMultistepScheduler: Any = diffusers.UniPCMultistepScheduler
UMT5Config: Any = transformers.UMT5Config
UMT5EncoderModel: Any = transformers.UMT5EncoderModel
AutoTokenizer: Any = transformers.AutoTokenizer
WanAttentionBlock: Any = wan.WanAttentionBlock
WanCausalConv3d: Any = wan.WanCausalConv3d
WanResample: Any = wan.WanResample
WanResidualBlock: Any = wan.WanResidualBlock
WanRMS_norm: Any = wan.WanRMS_norm
