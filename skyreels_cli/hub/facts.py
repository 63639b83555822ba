"""What is known about a model before a weight is loaded, from its JSON files and safetensors headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Family = Literal["df", "t2v", "i2v"]


@dataclass(frozen=True)
class Component:
    """One subfolder of a model: config, weight files, parameters by dtype (`F32`, `BF16` …), shapes by tensor name."""

    name: str
    config: Mapping[str, Any]
    files: tuple[Path, ...]
    parameters: Mapping[str, int]
    tensors: Mapping[str, tuple[int, ...]] = field(repr=False)

    @property
    def parameter_count(self) -> int:
        """Number of parameters of all dtypes."""
        return sum(self.parameters.values())


@dataclass(frozen=True)
class ModelFacts:
    """A checked model folder: family, components, and defaults for recipes."""

    name: str
    folder: Path
    family: Family
    transformer: Component
    vae: Component
    text_encoder: Component
    defaults: Mapping[str, Any]
    summary: str = ""

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
        """Latent frames, rows and columns in one token."""
        t, h, w = self.transformer.config["patch_size"]
        return int(t), int(h), int(w)
