"""SHA-256 of every weight file, by which another machine can tell whether it has the weights of a film."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from skyreels_cli.hub.facts import ModelFacts

_HASH_NAME = re.compile(r"[0-9a-f]{64}")


def weight_hashes(facts: ModelFacts) -> dict[str, str]:
    """SHA-256 by path in the model folder; in Hugging Face's cache a file's blob is named by its hash."""
    components = (facts.transformer, facts.vae, facts.text_encoder)
    files = (file for component in components for file in component.files)
    return {file.relative_to(facts.folder).as_posix(): _sha256(file) for file in files}


def _sha256(file: Path) -> str:
    blob = file.resolve().name
    if _HASH_NAME.fullmatch(blob):
        return blob
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
