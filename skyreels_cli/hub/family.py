"""What sets one family of models apart from the others, as far as it matters before a weight is loaded.

A family is two modules of one name: here in `hub/families/` its `FAMILY`, and in `model/families/` what it does with
tensors. Nothing else in the program asks which family a model is of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal

PACKAGE = "skyreels_cli.hub.families"


@dataclass(frozen=True)
class Family:
    """Capabilities and inputs of a family.

    `pipelines` are the classes by which a Diffusers folder names it. Its transformer takes `condition_channels` behind
    those of the latents, tokens of a CLIP encoder if it has an `image_encoder`, and may take the rate (`fps_input`).
    With `forcing` each latent frame may have a noise level of its own, which is what windows that go on, end frames
    and async need. `image` tells what a first image is to it. `defaults` are fields of a recipe; those of models made
    for 720P and of films that start from an image go over them.
    """

    name: str
    title: str
    pipelines: tuple[str, ...]
    defaults: Mapping[str, Any]
    defaults_720p: Mapping[str, Any] = field(default_factory=dict)
    defaults_image: Mapping[str, Any] = field(default_factory=dict)
    condition_channels: int = 0
    image_encoder: bool = False
    fps_input: bool = False
    forcing: bool = False
    image: Literal["optional", "required", "refused"] = "refused"

    @property
    def components(self) -> tuple[str, ...]:
        """Parts of a model of this family that have weights."""
        return ("transformer", "vae", "text_encoder", *(["image_encoder"] if self.image_encoder else []))

    def fits(self, transformer: Mapping[str, Any], latent_channels: int) -> bool:
        """Whether a transformer with this config has the inputs of the family."""
        return (
            int(transformer.get("in_channels", 16)) == latent_channels + self.condition_channels
            and (transformer.get("image_dim") is not None) == self.image_encoder
            and (self.fps_input or not transformer.get("inject_sample_info"))
        )


def families() -> dict[str, Family]:
    """Every family by its name."""
    names = sorted(module.name for module in iter_modules(import_module(PACKAGE).__path__))
    return {name: family_named(name) for name in names}


@cache
def family_named(name: str) -> Family:
    """The family of that name; ModuleNotFoundError if there is none."""
    family: Family = import_module(f"{PACKAGE}.{name}").FAMILY
    return family
