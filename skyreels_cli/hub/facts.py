"""What a model says about itself before any weight is loaded (its JSON files and the headers of its weight files)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from skyreels_cli.hub.family import Family, family_named
from skyreels_cli.hub.tensor import StoredTensor, TensorEntry


@dataclass(frozen=True)
class Component:
    """One part of a model: its config, its weight files, its parameters by dtype (`F32`, `Q4_K` …) and its tensors.

    Config and names are those of Diffusers or transformers, whatever the layout of the files.
    """

    name: str
    config: Mapping[str, Any]
    files: tuple[Path, ...]
    parameters: Mapping[str, int]
    tensors: Mapping[str, TensorEntry] = field(repr=False)

    @classmethod
    def of(cls, name: str, config: Mapping[str, Any], tensors: Mapping[str, TensorEntry]) -> Self:
        """From its tensors, which lie in files or are known from the catalogue."""
        parameters: Counter[str] = Counter()
        for tensor in tensors.values():
            parameters[tensor.dtype] += tensor.elements
        files = tuple(dict.fromkeys(entry.file for entry in tensors.values() if isinstance(entry, StoredTensor)))
        return cls(name, config, files, dict(parameters), tensors)

    @property
    def parameter_count(self) -> int:
        """Parameters over all dtypes."""
        return sum(self.parameters.values())


@dataclass(frozen=True)
class ModelFacts:
    """A checked model: its family, its parts and the recipe defaults that suit it.

    `folder` is where it lies; of a single weights file that is the file, and its other parts lie elsewhere.
    Where components have no files because they are not on this machine, `absent` is the model of the catalogue whose
    shapes they have: one can plan with such a model, and not render.
    """

    name: str
    folder: Path
    family: str
    transformer: Component
    vae: Component
    text_encoder: Component
    defaults: Mapping[str, Any]
    summary: str = ""
    image_encoder: Component | None = None
    tokenizer: Path = Path()
    absent: str | None = None

    @property
    def traits(self) -> Family:
        """What sets its family apart."""
        return family_named(self.family)

    @property
    def components(self) -> Sequence[Component]:
        """Its parts that have weights."""
        encoders = (self.text_encoder, self.image_encoder) if self.image_encoder else (self.text_encoder,)
        return (self.transformer, self.vae, *encoders)

    @property
    def latent_channels(self) -> int:
        """Channels of the VAE's latents, and so of the noise."""
        return int(self.vae.config.get("z_dim", 16))

    @property
    def spatial_stride(self) -> int:
        """Pixels per latent pixel (8 for Wan 2.1)."""
        return int(self.vae.config.get("scale_factor_spatial", 8))

    @property
    def temporal_stride(self) -> int:
        """Pixel frames per latent frame after the first (4 for Wan 2.1)."""
        return int(self.vae.config.get("scale_factor_temporal", 4))

    @property
    def patch(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns that make one token."""
        t, h, w = self.transformer.config["patch_size"]
        return int(t), int(h), int(w)
