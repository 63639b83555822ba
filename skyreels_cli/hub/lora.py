"""A LoRA as its header tells it: which tensors it changes and how strongly, before a weight is read.

Hu et al. 2021: W + strength · alpha / rank · B·A; rank-stabilised (Kalajdzievski 2023): alpha / √rank. Without an alpha
the factor is the strength. Full changes, which distilled models come with, are multiplied with the strength alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.hub.facts import Component
from skyreels_cli.hub.headers import read_weights_header
from skyreels_cli.hub.lora_names import OF_IMAGES, Dialects, Role, other_method
from skyreels_cli.hub.pickle_header import is_zip
from skyreels_cli.hub.tensor import Header, TensorEntry

ADAPTER_CONFIG = "adapter_config.json"
"""Where peft says how strong an adapter is, beside its `adapter_model.safetensors`."""
HEADER_CONFIG = "lora_adapter_metadata"
"""Where Diffusers keeps the same, in the header."""


@dataclass(frozen=True)
class Change:
    """The change of one tensor: `down` and `up`, or `diff`, keys of the file; `alpha` a key or a number, or nothing."""

    target: str
    keys: Mapping[Role, str]
    rank: int
    alpha: float | None = None
    stabilised: bool = False


@dataclass(frozen=True)
class Lora:
    """A LoRA file as it is used: at a strength, for the tensors that it has in common with a transformer.

    Equal ones change a model equally. `matched` of `total` tensors are used; of the others `of_images` belong to parts
    that only image-to-video models have.
    """

    path: Path
    strength: float
    stamp: tuple[int, int] = (0, 0)
    changes: tuple[Change, ...] = field(default=(), compare=False, repr=False)
    matched: int = field(default=0, compare=False)
    total: int = field(default=0, compare=False)
    of_images: int = field(default=0, compare=False)

    @property
    def told(self) -> str:
        """One sentence for people."""
        rest = self.total - self.matched - self.of_images
        images = f", {self.of_images} for image conditioning are left out" if self.of_images else ""
        others = f", {rest} match nothing here" if rest else ""
        return f"{self.path.name} at {self.strength:g}: {self.matched} of {self.total} tensors match{images}{others}."


def parse_lora(said: str) -> tuple[Path, float]:
    """`FILE` or `FILE:scale` as a path and a strength; UsageError `lora-scale` for a scale that is no number."""
    path, colon, scale = said.rpartition(":")
    if not colon or Path(said).expanduser().is_file():
        return Path(said).expanduser(), 1.0
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", scale):
        return Path(path).expanduser(), float(scale)
    if len(path) == 1 and path.isalpha():
        return Path(said), 1.0  # a drive of Windows
    raise UsageError("lora-scale", f"--lora {said}: {scale!r} is no strength", f"--lora {quote(f'{path}:0.8')}")


def open_lora(said: str, transformer: Component) -> Lora:
    """What a LoRA will change of a transformer.

    Raises UsageError `lora-not-found`, `lora-method` (LoHa, LoKr, DoRA …), `lora-size` (made for another size of
    model), `lora-unmatched` (it has nothing in common with this model), and those of the readers.
    """
    path, strength = parse_lora(said)
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        message = f"there is no LoRA file {path}{did_you_mean(path.name, siblings)}"
        raise UsageError("lora-not-found", message, "--lora FILE.safetensors or --lora FILE.safetensors:0.8")
    header = _header(path)
    keys, unread = _grouped(header, Dialects(transformer.tensors.keys()))
    changes = _changes(path, header, keys, transformer)
    used = {key for change in changes for key in change.keys.values()}
    unread += [
        key for group in keys.values() for key in group.values() if key not in used and not key.endswith(".alpha")
    ]
    if not changes:
        raise _unmatched(path, unread)
    of_images = sum(any(part in key for part in OF_IMAGES) or "patch_embedding" in key for key in unread)
    status = path.stat()
    stamp = (status.st_size, status.st_mtime_ns)
    return Lora(path, strength, stamp, tuple(changes), len(used), len(used) + len(unread), of_images)


def _header(path: Path) -> Header:
    with path.open("rb") as file:
        if is_zip(file.read(4)):
            raise UsageError("lora-pickle", f"{path} is a pickle, not safetensors", "take the LoRA as safetensors")
    header = read_weights_header(path)
    for key in header.tensors:
        if method := other_method(key):
            message = f"{path} is {method} ({key}), which cannot be applied here"
            raise UsageError("lora-method", message, "take a LoRA (lora_down, lora_up), or a model with it merged in")
    return header


Keys = dict[tuple[str, bool], dict[Role, str]]
"""Keys by role, by target and whether it is changed whole (a tensor may be changed in both ways)."""


def _grouped(header: Header, dialects: Dialects) -> tuple[Keys, list[str]]:
    """Keys by the tensor that they change, and those that mean nothing to this transformer."""
    found: Keys = {}
    unread = []
    for key in header.tensors:
        name = dialects.read(key)
        if name:
            found.setdefault((name.target, name.role == "diff"), {})[name.role] = key
        elif not key.endswith(".alpha"):
            unread.append(key)
    return found, unread


def _changes(path: Path, header: Header, keys: Keys, transformer: Component) -> list[Change]:
    config = _adapter_config(path, header)
    changes = []
    for (target, _), group in keys.items():
        needed, shapes = transformer.tensors[target], {role: header.tensors[key] for role, key in group.items()}
        if not ("diff" in shapes or {"down", "up"} <= shapes.keys()):
            continue
        if not _fits(shapes, needed):
            if target.startswith("patch_embedding"):
                continue  # made for other input channels: I2V's on a model without, or the other way round
            raise _other_size(path, target, shapes, needed)
        rank = shapes["down"].shape[0] if "down" in shapes else 1
        alpha = None if "alpha" in group else config.alpha_of(group.get("down", ""))
        changes.append(Change(target, group, rank, alpha, config.stabilised))
    return changes


def _fits(shapes: Mapping[Role, TensorEntry], needed: TensorEntry) -> bool:
    if "diff" in shapes:
        return shapes["diff"].elements == needed.elements
    down, up = shapes["down"].shape, shapes["up"].shape
    rows = needed.shape[0] if needed.shape else 1
    return up[:2] == (rows, down[0]) and rows * prod(down[1:]) == needed.elements and prod(up[2:]) == 1


@dataclass(frozen=True)
class _AdapterConfig:
    """What peft says of an adapter's strength, where the file has no alphas."""

    alpha: float | None = None
    patterns: Mapping[str, float] = field(default_factory=dict)
    stabilised: bool = False

    def alpha_of(self, key: str) -> float | None:
        """The alpha of a module, whose name its key begins with."""
        for pattern, alpha in self.patterns.items():
            if re.search(rf"(^|\.){re.escape(pattern)}\.lora_", key):
                return alpha
        return self.alpha


def _adapter_config(path: Path, header: Header) -> _AdapterConfig:
    beside = path.with_name(ADAPTER_CONFIG)
    text = header.metadata.get(HEADER_CONFIG) or (
        _read(beside) if "adapter" in path.name and beside.is_file() else "{}"
    )
    try:
        said = {str(key).removeprefix("transformer."): value for key, value in json.loads(text).items()}
        said = {**header.metadata, **said}
        alpha, patterns = said.get("lora_alpha"), said.get("alpha_pattern") or {}
        stabilised = str(said.get("use_rslora", False)).lower() == "true"
        numbers = {str(pattern): float(value) for pattern, value in patterns.items()}
        return _AdapterConfig(None if alpha is None else float(alpha), numbers, stabilised)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("lora-broken", f"what {path} says of its strength cannot be read: {error}") from error


def _read(path: Path) -> Any:
    return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size < 1_000_000 else ""


def _other_size(path: Path, target: str, shapes: Mapping[Role, TensorEntry], needed: TensorEntry) -> UsageError:
    there = shapes["diff"].shape if "diff" in shapes else (shapes["up"].shape[0], *shapes["down"].shape[1:])
    sizes = [" × ".join(map(str, shape)) for shape in (there, needed.shape)]
    message = f"{path} is made for a model of another size: {target} is {sizes[0]} there and {sizes[1]} here"
    return UsageError("lora-size", message, "take the LoRA for this size (1.3B or 14B), or the model for this LoRA")


def _unmatched(path: Path, keys: list[str]) -> UsageError:
    some = f": it changes {', '.join(sorted(keys)[:2])} …" if keys else ""
    message = f"{path} changes nothing of this model{some}"
    return UsageError("lora-unmatched", message, "take a LoRA for Wan 2.1 or SkyReels-V2")
