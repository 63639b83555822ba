"""SHA-256 of every weight file, so that another machine can tell whether it has the weights that made a film."""

from __future__ import annotations

import re
from pathlib import Path

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.hashes import remembered, sha256_of_content

_HASH_NAME = re.compile(r"[0-9a-f]{64}")


def weight_hashes(facts: ModelFacts) -> dict[str, str]:
    """SHA-256 by component and file name (`transformer/model.safetensors`), wherever the files lie."""
    files = ((component.name, file) for component in facts.components for file in component.files)
    return {f"{name}/{file.name}": sha256_of(file) for name, file in files}


def sha256_of(file: Path) -> str:
    """SHA-256 of a file: in Hugging Face's cache the name of the blob, elsewhere computed once and remembered."""
    blob = file.resolve().name
    if _HASH_NAME.fullmatch(blob):
        return blob
    return remembered(file) or sha256_of_content(file)
