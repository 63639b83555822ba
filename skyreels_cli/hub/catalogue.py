"""The models that `--model` knows by name: releases of SkyReels-V2, and models of installed packages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import Family
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.specs import ModelSpec


@dataclass(frozen=True)
class Release:
    """A published model: family, size of the transformer, native resolution."""

    family: Family
    parameters: str
    native: str

    @property
    def alias(self) -> str:
        """The name to type: `df-1.3b-540p`."""
        return f"{self.family}-{self.parameters}-{self.native}".lower()

    @property
    def original(self) -> str:
        """Repository with the weights in the reference's layout, which is also what its `--model_id` takes."""
        return f"Skywork/SkyReels-V2-{self.family.upper()}-{self.parameters}-{self.native}"

    @property
    def repo(self) -> str:
        """The same weights on Hugging Face in the Diffusers layout, which this program reads."""
        return f"{self.original}-Diffusers"


RELEASES = (
    Release("df", "1.3B", "540P"),
    Release("df", "14B", "540P"),
    Release("df", "14B", "720P"),
    Release("t2v", "14B", "540P"),
    Release("t2v", "14B", "720P"),
    Release("i2v", "1.3B", "540P"),
    Release("i2v", "14B", "540P"),
    Release("i2v", "14B", "720P"),
)

NEVER_RELEASED = re.compile(r"(df|t2v|i2v)-5b-(540|720)p|t2v-1\.3b-(540|720)p|camera-?director.*")


def find_release(model: str) -> Release | None:
    """The release with that alias, repository id or bare repository name, whatever the case of its letters.

    Raises UsageError `model-never-released` for models that were only announced (tests/golden/REFERENCE.md §3).
    """
    alias = re.sub(r"^(skywork/)?(skyreels-v2-)?|(-diffusers)?$", "", model.lower())
    if NEVER_RELEASED.fullmatch(alias):
        message = f"{model} was announced by its authors but never released"
        raise UsageError("model-never-released", message, f"--model {RELEASES[0].alias}")
    return next((release for release in RELEASES if release.alias == alias), None)


def bundled_models() -> dict[str, Path]:
    """Folders of the models in installed packages, by name; those without an existing folder are left out."""
    known, found = plugins(), {}
    for name, spec in known.specs(ModelSpec).items():
        try:
            folder = Path(known.make(spec))
        except Exception:  # noqa: BLE001, S112 - one broken package must not take the program with it
            continue
        if folder.is_dir():
            found[name] = folder
    return found


def unknown_words(model: str, prompts: Iterable[str]) -> list[str]:
    """Words of the prompts, once each, that a bundled model was not trained on; empty for models that cannot tell."""
    known = plugins()
    spec = known.specs(ModelSpec).get(model)
    if spec is None or spec.unknown_words is None:
        return []
    unknown = known.load(spec, spec.unknown_words)
    return list(dict.fromkeys(word for prompt in prompts for word in unknown(prompt)))


def require_renderable(family: Family, name: str) -> None:
    """Refuse a family that cannot be rendered yet, before its weights are downloaded."""
    if family == "i2v":
        message = f"{name} is an image-to-video model with a CLIP encoder, which cannot be rendered yet"
        raise UsageError("model-family", message, f"a DF model takes images too: --model {RELEASES[0].alias}")
