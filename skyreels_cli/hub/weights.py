"""The weights that a film is made with: which files, how they rest in memory, what they are computed in, and LoRAs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.identity import sha256_of, weight_hashes
from skyreels_cli.hub.lora import Lora, open_lora
from skyreels_cli.hub.tensor import TensorEntry

Storage = Literal["file", "fp8"]
"""How matrices of the transformer's blocks rest: as packed as the file has them, or in float8 at the most."""

VaeMode = Literal["float32", "bfloat16", "tiled"]
"""What the VAE computes in; tiled, it does so in bfloat16, one part of the picture after the other."""

VAE_TILE, VAE_TILE_STRIDE = 256, 192
"""Pixels of a tile's side, and from one tile to the next; between them they are blended (diffusers' own values)."""

BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}


@dataclass(frozen=True)
class WeightsSpec:
    """Equal specs are the same model in memory. `fingerprint` stands for the files: their places, sizes and ages."""

    base: ModelFacts = field(compare=False, repr=False)
    storage: Storage
    compute: str
    loras: tuple[Lora, ...]
    fingerprint: str
    vae: VaeMode = "float32"

    def computed_in(self, component: str) -> str:
        """The dtype of a component: the image encoder is always in float32, the VAE unless it is said otherwise."""
        own = {"vae": "float32" if self.vae == "float32" else "bfloat16", "image_encoder": "float32"}
        return own.get(component, self.compute)

    def identity(self) -> dict[str, Any]:
        """What another machine can compare with its own: names and SHA-256 of every file, no paths."""
        loras = [
            {"name": lora.path.name, "strength": lora.strength, "sha256": sha256_of(lora.path)} for lora in self.loras
        ]
        said = {"name": self.base.name, "family": self.base.family, "sha256": weight_hashes(self.base)}
        return said | {"loras": loras} if loras else said

    def resident_bytes(self, component: Component) -> int:
        """What the weights of a component take in memory while it is at work."""
        if component.name != "transformer" or not component.tensors:
            return component.parameter_count * BYTES[self.computed_in(component.name)]
        return sum(self._bytes(name, tensor) for name, tensor in component.tensors.items())

    def streamed_bytes(self, component: Component, layers: int) -> int:
        """What the transformer's weights take on the device where its blocks are streamed: the rest, and two blocks."""
        blocks = sum(self._bytes(name, tensor) for name, tensor in component.tensors.items() if is_in_block(name))
        return self.resident_bytes(component) - blocks + 2 * blocks // layers

    def unpacked_bytes(self, component: Component, layers: int) -> int:
        """What the matrices of a block take that are unpacked while it computes; 0 where they do not rest packed."""
        packed = (tensor.elements for name, tensor in component.tensors.items() if self.rests_packed(name, tensor))
        return sum(packed) // layers * BYTES[self.compute]

    def rests_packed(self, name: str, tensor: TensorEntry) -> bool:
        """Whether a tensor of the transformer stays in fewer bits: the matrices of blocks, 98 % of a 14B model."""
        return is_block_matrix(name, tensor) and (tensor.packed or self.storage == "fp8")

    def _bytes(self, name: str, tensor: TensorEntry) -> int:
        if not self.rests_packed(name, tensor):
            return tensor.elements * BYTES[self.compute]
        return tensor.bytes if tensor.packed else tensor.elements


def is_in_block(name: str) -> bool:
    """Whether a tensor of the transformer belongs to one of its blocks."""
    return name.startswith("blocks.")


def is_block_matrix(name: str, tensor: TensorEntry) -> bool:
    """Whether it is the weight of a linear layer in one of the transformer's blocks."""
    return is_in_block(name) and name.endswith(".weight") and len(tensor.shape) == 2


def weights_spec(
    base: ModelFacts, compute: str, storage: Storage = "file", loras: Sequence[str] = (), vae: VaeMode = "float32"
) -> WeightsSpec:
    """The spec of a model, with LoRAs said as `FILE` or `FILE:scale`; raises what `open_lora` raises."""
    opened = tuple(open_lora(said, base.transformer) for said in loras)
    return WeightsSpec(base, storage, compute, opened, _fingerprint(base), vae)


def _fingerprint(base: ModelFacts) -> str:
    digest = hashlib.sha256(base.family.encode())
    for component in base.components:
        for file in component.files:
            digest.update(f"{component.name}\0{_stamp(file)}\n".encode())
    return digest.hexdigest()


def _stamp(file: Path) -> str:
    status = file.stat()
    return f"{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
