"""From a checked model to modules on a device: strict, and one tensor at a time.

Each tensor goes from the file straight to its dtype and device, so that host memory holds what stays there and one
tensor more. One that is missing, unexpected or of another shape is an error that names it, before any weight is read.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from skyreels_cli.errors import UsageError, first_line
from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.tensor import StoredTensor
from skyreels_cli.hub.weights import VAE_TILE, VAE_TILE_STRIDE, WeightsSpec
from skyreels_cli.model.libraries import (
    AutoencoderKLWan,
    AutoTokenizer,
    UMT5Config,
    UMT5EncoderModel,
    init_empty_weights,
)
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.weights.lora import LoraChanges
from skyreels_cli.model.weights.packed import PackedLinear, Stored, pack_float8, unpack_once
from skyreels_cli.model.weights.reading import WeightsReader

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
UNUSED = ("encoder.embed_tokens.weight", "visual_projection.weight")
"""UMT5's second name for `shared.weight`, which some files hold as well, and a layer behind CLIP's vision tower."""


def load_transformer(weights: WeightsSpec, device: torch.device) -> Transformer:
    """The denoiser; norms and the time embedding stay in float32 as in training, packed matrices of blocks packed."""
    component = weights.base.transformer
    transformer: Transformer = _empty(Transformer, component)
    with WeightsReader() as reader:
        loras = LoraChanges(weights.loras, reader)
        for name, tensor in _in_order(component):
            stored = reader.read(tensor)
            if weights.rests_packed(name, tensor) and loras.low_rank_only(name):
                _place_packed(transformer, name, stored, loras, device)
            else:
                dtype = _dtype(name, DTYPES[weights.compute])
                values = stored.unpacked(torch.float32) if stored.packed else stored.data
                _place(transformer, name, loras.merged(name, values).to(device, dtype))
    for layer in transformer.blocks:
        unpack_once(layer)
    return transformer.requires_grad_(False).eval().to(device)


def load_vae(weights: WeightsSpec, device: torch.device) -> AutoencoderKLWan:
    """The video autoencoder, in float32 like the reference's unless the weights say otherwise."""
    facts, dtype = weights.base, DTYPES[weights.computed_in("vae")]
    vae = _empty(AutoencoderKLWan, facts.vae)
    with WeightsReader() as reader:
        for name, tensor in _in_order(facts.vae):
            _place(vae, name, reader.read(tensor).unpacked(torch.float32).to(device, dtype))
    if weights.vae == "tiled":
        vae.enable_tiling(VAE_TILE, VAE_TILE, VAE_TILE_STRIDE, VAE_TILE_STRIDE)
    return vae.requires_grad_(False).eval().to(device)


def load_text_encoder(facts: ModelFacts, dtype: str, device: torch.device) -> tuple[Any, Any]:
    """Tokenizer and UMT5 encoder; the encoder is large (11 GB), so use it and let it go."""
    tokenizer = AutoTokenizer.from_pretrained(facts.tokenizer, trust_remote_code=False)
    config = UMT5Config(**_plain(facts.text_encoder.config))
    return tokenizer, _by_transformers(UMT5EncoderModel, config, facts.text_encoder, DTYPES[dtype], device)


def load_image_encoder(facts: ModelFacts, device: torch.device) -> Any:
    """CLIP's vision tower in float32; it is needed once for each picture, so use it and let it go."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    assert facts.image_encoder is not None
    config = CLIPVisionConfig(**_plain(facts.image_encoder.config))
    return _by_transformers(CLIPVisionModel, config, facts.image_encoder, torch.float32, device)


def check_tensors(component: Component, needed: Mapping[str, tuple[int, ...]], ignored: Container[str] = ()) -> None:
    """Compare names and shapes in the weight files with those that a class needs; UsageError `model-tensors`."""
    found = {name: tensor for name, tensor in component.tensors.items() if name not in ignored}
    _refuse(
        component.name,
        missing=sorted(needed.keys() - found.keys()),
        unexpected=sorted(found.keys() - needed.keys()),
        misshapen=[
            f"{name} {found[name].shape} instead of {needed[name]}"
            for name in sorted(needed.keys() & found.keys())
            if not _is_shaped(found[name].shape, needed[name])
        ],
    )


def _is_shaped(found: tuple[int, ...], needed: tuple[int, ...]) -> bool:
    """Whether a tensor has a shape; some GGUF files drop axes of length 1."""
    return [n for n in found if n != 1] == [n for n in needed if n != 1]


def _in_order(component: Component) -> list[tuple[str, StoredTensor]]:
    """Tensors file by file, so that each is opened once and read from front to back."""
    stored = [(name, tensor) for name, tensor in component.tensors.items() if isinstance(tensor, StoredTensor)]
    return sorted(stored, key=lambda item: component.files.index(item[1].file))


def _empty(model_class: Any, component: Component) -> Any:
    """The module without its weights, once it is certain that the files have all of them."""
    with _config_errors(component), init_empty_weights():
        module = model_class.from_config(dict(component.config))
    needed = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    parts = getattr(model_class, "_keys_to_ignore_on_load_unexpected", None) or ()
    ignored = {name for name in component.tensors if any(part in name for part in parts)}
    check_tensors(component, needed, ignored)
    return module


@contextmanager
def _config_errors(component: Component) -> Iterator[None]:
    """What a class says of a config that it cannot take, as an error in one line."""
    try:
        yield
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, ArithmeticError) as error:
        message = f"the config of the {component.name} is not possible: {first_line(error)}"
        raise UsageError("model-broken", message, "take its config.json from the same repository") from error


def _place(module: nn.Module, name: str, values: Tensor) -> None:
    """Put values where the module has a parameter (on the meta device) of the same name."""
    path, _, leaf = name.rpartition(".")
    parent = module.get_submodule(path)
    shape = getattr(parent, leaf).shape
    setattr(parent, leaf, nn.Parameter(values.reshape(shape), requires_grad=False))


def _place_packed(module: nn.Module, name: str, stored: Stored, loras: LoraChanges, device: torch.device) -> None:
    """Exchange a linear layer for one whose weight rests packed."""
    path = name.removesuffix(".weight")
    if not stored.packed:
        stored = pack_float8(stored.data)
    plain = module.get_submodule(path)
    assert isinstance(plain, nn.Linear)
    linear = PackedLinear(stored, tuple(plain.weight.shape), plain.bias)
    for factors in loras.factors(name):
        linear.change(*factors)
    module.set_submodule(path, linear.to(device))


def _dtype(name: str, compute: torch.dtype) -> torch.dtype:
    kept = Transformer._keep_in_fp32_modules or ()  # noqa: SLF001 - diffusers' loader goes by it too
    return torch.float32 if any(part in kept for part in name.split(".")) else compute


def _by_transformers(
    model_class: Any, config: Any, component: Component, dtype: torch.dtype, device: torch.device
) -> Any:
    """One of transformers' encoders, by its own loader, which ties what is shared and knows the names of old files."""
    from transformers.initialization import no_init_weights
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # its report of wrong tensors; ours follows
    with WeightsReader() as reader, _config_errors(component), no_init_weights():
        state = {
            name: tensor.reshape(entry.shape)
            for name, entry in _in_order(component)
            for tensor in [reader.read(entry).unpacked(dtype)]
            if name not in UNUSED
        }
        loaded: Any = model_class.from_pretrained(
            None, config=config, state_dict=state, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True
        )
    encoder, report = loaded
    _refuse(
        component.name,
        missing=sorted(report["missing_keys"]),
        unexpected=sorted(report["unexpected_keys"]),
        misshapen=[f"{n} {tuple(found)} instead of {tuple(needed)}" for n, found, needed in report["mismatched_keys"]],
    )
    return encoder.requires_grad_(False).eval().to(device)


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """The sizes of a config, without what says how it was saved."""
    return {name: value for name, value in config.items() if name not in ("dtype", "torch_dtype", "model_type")}


def _refuse(component: str, **faults: Sequence[str]) -> None:
    for fault, names in faults.items():
        if names:
            rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise UsageError(
                "model-tensors",
                f"{component}: {fault} tensor {names[0]}{rest}",
                "the folder is damaged or of another model: download it again or check its config.json",
            )
