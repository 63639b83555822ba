"""What a weights file does not say: its family where two have the same tensors, and which model has its other parts."""

from __future__ import annotations

import re

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.catalogue import RELEASES, bundled_models
from skyreels_cli.hub.facts import Component
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.parts import Parts, fitting_families
from skyreels_cli.hub.stored import same_size

WIDTHS = {1536: "1.3B", 5120: "14B"}
WORDS = {"df": r"(?<![a-z])df(?![a-z])|diffusion.?forcing", "t2v": "t2v"}
"""What releases and their derivatives are called: DF-14B and T2V-14B differ in nothing but their values."""


def guess_family(parts: Parts, of_base: str | None) -> str:
    """The family of a transformer: by its inputs, else by its base, else by its name.

    Raises UsageError `model-family` if no family has such inputs, if the base's is another, or if nothing tells.
    """
    fitting = fitting_families(parts)
    if not fitting:
        config = parts.components["transformer"].config
        message = (
            f"{parts.name} takes {config['in_channels']} channels, as no SkyReels-V2 model does (16, or 36 for I2V)"
        )
        raise UsageError("model-family", message, f"--model {RELEASES[0].alias}")
    if of_base and of_base not in fitting:
        message = f"{parts.name} is a transformer of the {fitting[0].upper()} family, its base is {of_base.upper()}"
        aliases = [release.alias for release in RELEASES if release.family in fitting]
        raise UsageError("model-family", message, f"--base {aliases[0]}")
    if of_base or len(fitting) == 1:
        return of_base or fitting[0]
    called = [name for name in fitting if re.search(WORDS.get(name, name), parts.folder.name.lower())]
    if len(called) != 1:
        kinds = " or ".join(name.upper() for name in fitting)
        message = f"{parts.name} may be a {kinds} model: their tensors are the same, and its name does not tell"
        raise UsageError("model-family", message, f"--base {fitting[0]}-14b-540p")
    return called[0]


def guess_base(parts: Parts, family: str) -> str:
    """The release, or bundled model, of the same family and size; UsageError `model-base` if there is none."""
    transformer = parts.components["transformer"]
    config = transformer.config
    size = WIDTHS.get(config["num_attention_heads"] * config["attention_head_dim"])
    native = "720P" if "720p" in parts.folder.name.lower() else "540P"
    releases = [release for release in RELEASES if (release.family, release.parameters) == (family, size)]
    for release in sorted(releases, key=lambda release: release.native != native):
        return release.alias
    for name, folder in bundled_models().items():
        if _is_alike(transformer, open_folder(folder, name).transformer):
            return name
    message = f"{parts.name} lacks its other parts (VAE, text encoder …), and is of no released size"
    raise UsageError("model-base", message, "--base FOLDER of the model that it was made from")


def _is_alike(one: Component, other: Component) -> bool:
    return same_size(one.tensors, other.tensors)
