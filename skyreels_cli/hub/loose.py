"""Weights files that no `model_index.json` describes: the original layout, and single files of a transformer.

What a file holds is told by the names of its tensors, family and size by their shapes. Files of ComfyUI and GGUF hold
a transformer alone; the parts that are lacking come from a `base`, a model that is named or guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.configs import require_possible
from skyreels_cli.hub.facts import Component
from skyreels_cli.hub.folder import COMPONENTS, again, is_tokenizer, read_json
from skyreels_cli.hub.links import require_inside
from skyreels_cli.hub.lora_names import is_lora
from skyreels_cli.hub.parts import Parts
from skyreels_cli.hub.stored import Rename, WeightsFile, stored_tensors
from skyreels_cli.hub.tensor import StoredTensor, TensorEntry
from skyreels_cli.hub.wan.clip import BATCHED, clip_config, clip_names
from skyreels_cli.hub.wan.dit import diffusers_name, dit_config
from skyreels_cli.hub.wan.umt5 import umt5_config, umt5_name
from skyreels_cli.hub.wan.vae import vae_config, vae_name

SUFFIXES = (".safetensors", ".pth", ".pt", ".gguf")
TOKENIZERS = ("google/umt5-xxl", "tokenizer", ".")
SAID = {"num_heads": "num_attention_heads", "eps": "eps"}
"""What the original config.json tells that shapes do not, with Diffusers' names."""

DIFFUSERS_MARK = "attn1.to_q"


@dataclass(frozen=True)
class Naming:
    """How a component is named in the original layout; tensors that are `batched` have axes of length 1 in front."""

    component: str
    rename: Rename
    config: Callable[[Mapping[str, TensorEntry], Mapping[str, Any]], dict[str, Any]]
    batched: tuple[str, ...] = ()


def _one(rename: Callable[[str], str | None]) -> Rename:
    """A renaming as a list, empty for an unknown name."""

    def names(name: str) -> Sequence[str]:
        new = rename(name)
        return [new] if new else []

    return names


ORIGINAL = (
    Naming("transformer", _one(diffusers_name), dit_config),
    Naming("vae", _one(vae_name), lambda tensors, _: vae_config(tensors)),
    Naming("text_encoder", _one(umt5_name), lambda tensors, _: umt5_config(tensors)),
    Naming("image_encoder", clip_names, lambda tensors, _: clip_config(tensors), BATCHED),
)
DIFFUSERS_TRANSFORMER = Naming("transformer", lambda name: [name], dit_config)
"""A transformer that was saved as one file under Diffusers' names."""


def open_loose(path: Path, name: str, base_config: Mapping[str, Any] | None = None) -> Parts:
    """The parts that a file, or a folder of files, holds.

    `base_config` is the transformer's of a model of the same size, for what shapes do not tell. Raises UsageError
    `model-unknown` for files of something else, `model-incomplete` if a shard is missing, and those of the readers.
    """
    files = [path] if path.is_file() else _files(path)
    said = _said(path / "config.json") if path.is_dir() else {}
    found: dict[Naming, list[WeightsFile]] = {}
    for file in files:
        weights = _read(path, file)
        found.setdefault(_naming(weights), []).append(weights)
    return Parts(
        name=name,
        folder=path,
        family=None,
        components={
            naming.component: _component(path, naming, weights, said or base_config or {})
            for naming, weights in found.items()
        },
        tokenizer=_tokenizer(path),
        transformer_config=said,
    )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())


def _read(path: Path, file: Path) -> WeightsFile:
    if path.is_dir():
        require_inside(path, file)
    try:
        return WeightsFile.read(file)
    except UsageError as error:
        error.hint = error.hint or again(file)
        raise


def _naming(file: WeightsFile) -> Naming:
    """The component that the names of a file are of: the one that knows most of them."""
    names = file.weights
    if any(DIFFUSERS_MARK in name for name in names):
        return DIFFUSERS_TRANSFORMER
    known = {naming: sum(bool(naming.rename(name)) for name in names) for naming in ORIGINAL}
    best = max(known, key=lambda naming: known[naming])
    if known[best] and not is_lora(names):
        return best
    raise _unknown(file.path, list(names))


def _unknown(path: Path, names: Sequence[str]) -> UsageError:
    if is_lora(names):
        message = f"{path} is a LoRA, which changes a model and is none"
        return UsageError("model-unknown", message, f"--model df-14b-540p --lora {quote(str(path))}")
    some = ", ".join(sorted(names)[:3])
    message = f"{path} holds no part of a SkyReels-V2 model: its {len(names)} tensors are {some or 'none'} …"
    return UsageError("model-unknown", message, "--model df-1.3b-540p")


def _component(path: Path, naming: Naming, files: Sequence[WeightsFile], said: Mapping[str, Any]) -> Component:
    """Its tensors under the names of its class, and the config that they have."""
    unknown = [name for file in files for name in file.weights if not naming.rename(name) and not _is_unused(name)]
    if unknown:
        message = f"{path} has {unknown[0]}, which no {naming.component} of a SkyReels-V2 model has"
        raise UsageError("model-unknown", message, "--model df-1.3b-540p")
    stored = stored_tensors(files, naming.rename)
    tensors = {name: _single(tensor) if name in naming.batched else tensor for name, tensor in stored.items()}
    try:
        config = naming.config(tensors, said)
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        message = f"{path} lacks {error} of its {naming.component}, or has it in an impossible shape"
        raise UsageError("model-incomplete", message, "is a shard missing? get the repository once more") from error
    require_possible(str(path), config)
    _require_layers(path, config, said)
    return Component.of(naming.component, config, tensors)


def _single(tensor: StoredTensor) -> StoredTensor:
    leading = next((axis for axis, size in enumerate(tensor.shape) if size != 1), 0)
    return replace(tensor, shape=tensor.shape[leading:])


def _is_unused(name: str) -> bool:
    """CLIP's text tower and what follows the layer whose output is taken."""
    return name.startswith(("textual.", "visual.head")) or name == "log_scale"


def _require_layers(path: Path, config: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    layers, found = said.get("num_layers"), config.get("num_layers")
    is_transformer = config.get("_class_name") in COMPONENTS["transformer"][0]
    if path.is_dir() and is_transformer and isinstance(layers, int) and layers != found:
        message = f"{path} has {found} layers of {layers}: a shard of its transformer is missing"
        raise UsageError("model-incomplete", message, "get the repository once more")


def _said(config: Path) -> dict[str, Any]:
    """The original config.json, as far as it says more than shapes do."""
    content = read_json(config) if config.is_file() else {}
    said = {new: content[old] for old, new in SAID.items() if isinstance(content.get(old), int | float)}
    return {**said, "num_layers": content.get("num_layers")} if said else {}


def _tokenizer(path: Path) -> Path | None:
    places: Iterable[Path] = (path / place for place in TOKENIZERS) if path.is_dir() else ()
    return next((place for place in places if is_tokenizer(place)), None)
