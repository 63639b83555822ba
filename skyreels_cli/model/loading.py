"""From a checked model folder to modules on a device: safetensors only, memory-mapped, strict.

Weights go straight to their dtype (no float32 copy of a 14B model in host memory), and a tensor that is missing,
unexpected or of another shape is an error that names it, before any weight is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKLWan
from transformers import AutoTokenizer, UMT5EncoderModel
from transformers.utils import logging as transformers_logging

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.model.transformer import Transformer

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
    # Stored as float8, computed in bfloat16 (see `load_transformer`).
    "fp8": torch.bfloat16,
}


def load_transformer(facts: ModelFacts, dtype: str, device: torch.device) -> Transformer:
    """The denoiser in `dtype`; norms and the time embedding stay in float32 as in training."""
    check_tensors(facts.transformer, Transformer)
    transformer = Transformer.from_pretrained(
        facts.folder / "transformer", torch_dtype=DTYPES[dtype], use_safetensors=True
    )
    if dtype == "fp8":
        transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.bfloat16)
    transformer.requires_grad_(False).eval()
    return transformer.to(device)


def load_vae(facts: ModelFacts, device: torch.device) -> AutoencoderKLWan:
    """The video autoencoder, always in float32 like the reference's."""
    check_tensors(facts.vae, AutoencoderKLWan)
    vae = AutoencoderKLWan.from_pretrained(facts.folder / "vae", torch_dtype=torch.float32, use_safetensors=True)
    return vae.requires_grad_(False).eval().to(device)


def load_text_encoder(facts: ModelFacts, dtype: str, device: torch.device) -> tuple[Any, Any]:
    """Tokenizer and UMT5 encoder; the encoder is large (11 GB), so use it and let it go."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # its report of wrong tensors; ours follows
    tokenizer = AutoTokenizer.from_pretrained(facts.folder / "tokenizer")
    loaded: Any = UMT5EncoderModel.from_pretrained(
        facts.folder / "text_encoder",
        dtype=DTYPES[dtype],
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are refused below, by name
    )
    encoder, report = loaded
    _refuse(
        facts.text_encoder.name,
        missing=sorted(report["missing_keys"]),
        unexpected=sorted(report["unexpected_keys"]),
        misshapen=[f"{n} {tuple(found)} instead of {tuple(needed)}" for n, found, needed in report["mismatched_keys"]],
    )
    return tokenizer, encoder.requires_grad_(False).eval().to(device)


def check_tensors(component: Component, model_class: Any) -> None:
    """Compare the names and shapes in the weight files with what the class needs (on the meta device)."""
    with init_empty_weights():
        needed = {k: tuple(v.shape) for k, v in model_class.from_config(dict(component.config)).state_dict().items()}
    found = component.tensors
    ignored = getattr(model_class, "_keys_to_ignore_on_load_unexpected", None) or []
    _refuse(
        component.name,
        missing=sorted(needed.keys() - found.keys()),
        unexpected=sorted(k for k in found.keys() - needed.keys() if not any(part in k for part in ignored)),
        misshapen=_misshapen(needed, found),
    )


def _misshapen(needed: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> list[str]:
    return sorted(
        f"{name} {tuple(found[name])} instead of {needed[name]}"
        for name in needed.keys() & found.keys()
        if tuple(found[name]) != needed[name]
    )


def _refuse(component: str, **faults: Any) -> None:
    for fault, names in faults.items():
        if names:
            first, more = next(iter(names)), len(names) - 1
            rest = f" and {more} more" if more else ""
            raise UsageError(
                "model-tensors",
                f"{component}: {fault} tensor {first}{rest}",
                "the folder is damaged or of another model: download it again or check its config.json",
            )
