"""What LoRA files call the tensors that they change: nine dialects, brought to Diffusers' names.

diffusers 0.42.1 converts a kohya file only if it is whole (loaders/lora_conversion_utils.py:1840: KeyError for one of
attention alone), drops changes of norms and logs other full changes without making them (:2093).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from skyreels_cli.hub.wan.dit import diffusers_name, original_name

Role = Literal["down", "up", "alpha", "diff"]

PREFIXES = (
    "base_model.model.",
    "model.diffusion_model.",
    "diffusion_model.",
    "transformer.",
    "pipe.dit.",
    "dit.",
    "model.",
)
"""Of peft, ComfyUI, Diffusers and DiffSynth; some files have two of them."""
FLAT_PREFIXES = ("lora_unet__", "lora_unet_", "lycoris_")
"""Of VideoX-Fun, kohya and LyCORIS, which write every dot of a module's name as an underscore."""

LOW_RANK = re.compile(r"(?:\.lora_(A|B|down|up)|[._]lora\.(down|up))(?:\.(?!weight|bias)\w+)?(?:\.weight)?$")
DOWN = ("A", "down")
FULL = {".diff": ".weight", ".diff_b": ".bias", ".diff_m": ".modulation"}
"""Endings of changes that are added whole, and what of the module they are added to."""

OTHER_METHODS = {
    "hada_": "LoHa",
    "lokr_": "LoKr",
    "oft_": "OFT",
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    "lora_mid": "a LoCon with a middle factor",
}
OF_IMAGES = ("k_img", "v_img", "img_emb", "add_k_proj", "add_v_proj", "norm_added_k", "image_embedder", "norm_k_img")
"""Parts that only image-to-video models have."""


@dataclass(frozen=True)
class LoraKey:
    """What a key of a LoRA says: which tensor of the transformer, and what this one is for its change."""

    target: str
    role: Role


def is_lora(names: Iterable[str]) -> bool:
    """Whether names of tensors are those of a change to a model, not of a model."""
    return any(LOW_RANK.search(name) or name.endswith(tuple(FULL)) or other_method(name) for name in names)


def other_method(name: str) -> str | None:
    """The method of a change that cannot be made here, if the name is of one."""
    return next((method for mark, method in OTHER_METHODS.items() if mark in name), None)


class Dialects:
    """Reads keys in any dialect, for a transformer with these parameters (by Diffusers' names)."""

    def __init__(self, parameters: Collection[str]) -> None:
        self._parameters = parameters
        modules = {name.removesuffix(".weight").removesuffix(".bias") for name in parameters}
        self._flat = {spelt.replace(".", "_"): name for name in modules for spelt in (name, original_name(name))}

    def read(self, key: str) -> LoraKey | None:
        """What a key means; None if this transformer has no such part."""
        low_rank = LOW_RANK.search(key)
        if low_rank:
            role: Role = "down" if (low_rank[1] or low_rank[2]) in DOWN else "up"
            return self._name(key[: low_rank.start()], ".weight", role)
        if key.endswith(".alpha"):
            return self._name(key.removesuffix(".alpha"), ".weight", "alpha")
        ending = next((ending for ending in FULL if key.endswith(ending)), None)
        return self._name(key.removesuffix(ending), FULL[ending], "diff") if ending else None

    def _name(self, module: str, parameter: str, role: Role) -> LoraKey | None:
        """The parameter of a module, or the module itself where it is a parameter (`blocks.0.modulation`)."""
        flat = next((prefix for prefix in FLAT_PREFIXES if module.startswith(prefix)), None)
        plain = self._flat.get(module.removeprefix(flat), "") if flat else _bare(module)
        for name in (plain + parameter, plain):
            target = diffusers_name(name) or name
            if target in self._parameters:
                return LoraKey(target, role)
        return None


def _bare(module: str) -> str:
    prefix = next((prefix for prefix in PREFIXES if module.startswith(prefix)), None)
    return _bare(module.removeprefix(prefix)) if prefix else module
