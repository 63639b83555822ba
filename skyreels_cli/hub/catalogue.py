"""The models that `--model` knows by name: SkyReels-V2's releases and those that installed packages bring."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.specs import ModelSpec


@dataclass(frozen=True)
class Release:
    """A published model: family, size of the transformer, native resolution."""

    family: str
    parameters: str
    native: str

    @property
    def alias(self) -> str:
        """What one types: `df-1.3b-540p`."""
        return f"{self.family}-{self.parameters}-{self.native}".lower()

    @property
    def original(self) -> str:
        """Repository in the reference's own layout, with the name that its `--model_id` takes."""
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
    """The release behind an alias, either repository id or the bare name of one, in any case.

    Raises `model-never-released` for those that were announced and never came (REFERENCE.md §3).
    """
    alias = re.sub(r"^(skywork/)?(skyreels-v2-)?|(-diffusers)?$", "", model.lower())
    if NEVER_RELEASED.fullmatch(alias):
        message = f"{model} was announced by its authors but never released"
        raise UsageError("model-never-released", message, f"--model {RELEASES[0].alias}")
    return next((release for release in RELEASES if release.alias == alias), None)


def bundled_models() -> dict[str, Path]:
    """Folders of the models that installed packages bring along, by name; what is not there is left out."""
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
    """Words of prompts that mean nothing to a bundled model, each once; none for models that cannot tell."""
    known = plugins()
    spec = known.specs(ModelSpec).get(model)
    if spec is None or spec.unknown_words is None:
        return []
    unknown = known.load(spec, spec.unknown_words)
    return list(dict.fromkeys(word for prompt in prompts for word in unknown(prompt)))
