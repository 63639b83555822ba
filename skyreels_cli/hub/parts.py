"""Parts of a model that were found in one place, and a model made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.family import families, family_named


@dataclass(frozen=True)
class Parts:
    """Components, a tokenizer, and what is said about the model; `family` is None where nothing tells it.

    Parts without files are those of `absent`, a model of the catalogue that is not on this machine.
    """

    name: str
    folder: Path
    family: str | None
    components: Mapping[str, Component]
    tokenizer: Path | None
    transformer_config: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    absent: str | None = None

    def completed_by(self, base: Parts) -> Parts:
        """These parts and what they lack of a base's."""
        return replace(
            self,
            components={**base.components, **self.components},
            tokenizer=self.tokenizer or base.tokenizer,
            transformer_config=self.transformer_config or base.transformer_config,
            defaults=self.defaults or base.defaults,
            absent=self.absent or base.absent,
        )


def assemble(parts: Parts, family: str) -> ModelFacts:
    """The model of these parts; UsageError `model-family` if its transformer is of another family."""
    assert parts.tokenizer is not None
    _require_inputs(parts, family)
    components = {name: parts.components[name] for name in family_named(family).components}
    return ModelFacts(
        name=parts.name,
        folder=parts.folder,
        family=family,
        **components,
        tokenizer=parts.tokenizer,
        defaults=parts.defaults,
        summary=parts.summary,
        absent=parts.absent,
    )


def fitting_families(parts: Parts) -> list[str]:
    """The families that a transformer may be of, told by its inputs."""
    config, latents = parts.components["transformer"].config, _latent_channels(parts)
    return [name for name, family in families().items() if family.fits(config, latents)]


def _require_inputs(parts: Parts, family: str) -> None:
    """A transformer that wants image channels under the index of a text model would render noise."""
    config, latents = parts.components["transformer"].config, _latent_channels(parts)
    if not family_named(family).fits(config, latents):
        channels = config.get("in_channels", 16)
        fitting = fitting_families(parts)
        inputs = f"takes {channels} channels where the VAE gives {latents}"
        inputs += ", and image tokens" if config.get("image_dim") is not None else ""
        what = f"as {fitting[0].upper()} models do" if fitting else "as no SkyReels-V2 model does"
        message = f"{parts.name} is said to be of the {family.upper()} family, but its transformer {inputs}, {what}"
        raise UsageError("model-family", message, "take its config.json and model_index.json from the same repository")


def _latent_channels(parts: Parts) -> int:
    vae = parts.components.get("vae")
    return int(vae.config.get("z_dim", 16)) if vae else 16
