"""From weights files to the tensors of one part of a model, under the names that its class gives them.

Scaled float8 comes in two conventions: `X.scale_weight` beside `X.weight` and a tensor `scaled_fp8` as a marker, or
`X.weight_scale` with the format in `X.comfy_quant` (JSON as bytes) or in the header's `_quantization_metadata`. In
either, weight = stored · scale. diffusers 0.42.1 drops the scales (loaders/single_file_utils.py:3211 renames weights
and knows no scale), so a film is noise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.headers import read_weights_header
from skyreels_cli.hub.safetensors_header import read_values
from skyreels_cli.hub.tensor import FLOAT8, FLOATS, GGML_BLOCKS, Header, StoredTensor, TensorEntry

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "model.", "transformer.", "")
"""What single files put before every name of a transformer, longest first."""

MARKER = "scaled_fp8"
SCALES = (".scale_weight", ".weight_scale")
ACTIVATION_SCALES = (".scale_input", ".input_scale")
FORMAT = ".comfy_quant"
HEADER_FORMATS = "_quantization_metadata"
KNOWN_FORMATS = frozenset({"float8_e4m3fn", "float8_e5m2"})

Rename = Callable[[str], Sequence[str]]
"""From a name in a file to those of the module: several share a fused tensor, and an unknown name has none."""


@dataclass(frozen=True)
class WeightsFile:
    """A file and its header, with names as the module's originals have them; `prefix` is what stood before each."""

    path: Path
    header: Header
    prefix: str = ""

    @classmethod
    def read(cls, path: Path) -> WeightsFile:
        """Its header, read and stripped of its prefix; of a file with one, other names belong to something else."""
        header = read_weights_header(path)
        names = header.tensors.keys()
        prefix = next(prefix for prefix in PREFIXES if not prefix or any(name.startswith(prefix) for name in names))
        bare = {name.removeprefix(prefix): tensor for name, tensor in header.tensors.items() if name.startswith(prefix)}
        return cls(path, Header(bare, header.metadata), prefix)

    @property
    def weights(self) -> dict[str, TensorEntry]:
        """Its tensors without scales, formats and markers."""
        extra = (*SCALES, *ACTIVATION_SCALES, FORMAT)
        tensors = self.header.tensors.items()
        return {name: tensor for name, tensor in tensors if name != MARKER and not name.endswith(extra)}


def stored_tensors(files: Iterable[WeightsFile], rename: Rename) -> dict[str, StoredTensor]:
    """Where each tensor of a module lies.

    Raises UsageError `model-broken` for a name in two files, `model-unknown` for values of a kind that cannot be read.
    Names that `rename` does not know are left out.
    """
    found: dict[str, StoredTensor] = {}
    for file in files:
        _check_formats(file)
        for name, tensor in file.weights.items():
            for key, stored in _stored(file, name, tensor, rename(name)):
                if key in found:
                    raise _twice(found[key], stored)
                found[key] = stored
    return found


def _stored(
    file: WeightsFile, name: str, tensor: TensorEntry, keys: Sequence[str]
) -> Iterable[tuple[str, StoredTensor]]:
    _check_dtype(file.path, name, tensor)
    module = name.removesuffix(".weight")
    scales = [module + ending for ending in SCALES if module != name and module + ending in file.header.tensors]
    for index, key in enumerate(keys):
        part = (index, len(keys)) if len(keys) > 1 else None
        shape = (tensor.shape[0] // part[1], *tensor.shape[1:]) if part else tensor.shape
        scale = file.prefix + scales[0] if scales else None
        yield key, StoredTensor(tensor.dtype, shape, file.path, file.prefix + name, scale, part)


def _check_dtype(path: Path, name: str, tensor: TensorEntry) -> None:
    if tensor.dtype not in FLOATS | FLOAT8 | GGML_BLOCKS.keys():
        message = f"{path} has {name} as {tensor.dtype}, which cannot be read here"
        raise UsageError("model-unknown", message, "take it in bfloat16, float16, float8 (scaled or not) or GGUF")


def _check_formats(file: WeightsFile) -> None:
    """Refuse ComfyUI's quantised formats other than float8 (nvfp4, int8 …), whose tensors mean something else."""
    named = [name for name in file.header.tensors if name.endswith(FORMAT)]
    values = read_values(file.path, [file.prefix + name for name in named]) if named else {}
    formats = [(name, _json(value)) for name, value in values.items()]
    layers = _json(file.header.metadata.get(HEADER_FORMATS, "{}")).get("layers", {})
    formats += layers.items() if isinstance(layers, Mapping) else []
    for name, said in formats:
        kind = said.get("format") if isinstance(said, Mapping) else said
        if kind not in KNOWN_FORMATS:
            message = f"{file.path} has {name.removesuffix(FORMAT)} in the format {kind}, which cannot be read here"
            raise UsageError("model-unknown", message, f"known are {' and '.join(sorted(KNOWN_FORMATS))}, and GGUF")


def _json(text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _twice(first: StoredTensor, second: StoredTensor) -> UsageError:
    if first.file == second.file:
        return UsageError("model-broken", f"{first.file} has {first.key} and {second.key}, which are the same tensor")
    message = f"{first.file} and {second.file.name} both hold {second.key}: which of them is meant?"
    return UsageError("model-broken", message, f"--model {quote(str(first.file))}")


def same_size(tensors: Mapping[str, TensorEntry], shapes: Mapping[str, TensorEntry]) -> bool:
    """Whether two sets of tensors are those of models of one size."""
    return {name: prod(tensor.shape) for name, tensor in tensors.items()} == {
        name: prod(tensor.shape) for name, tensor in shapes.items()
    }
