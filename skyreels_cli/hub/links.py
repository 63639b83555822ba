"""Links that lead out of a model folder: a downloaded folder has no business with other files of the machine."""

from __future__ import annotations

import shlex
from pathlib import Path

from skyreels_cli.errors import UsageError


def require_inside(folder: Path, file: Path) -> None:
    """Raise UsageError `model-unsafe` if a file of a folder lies elsewhere; Hugging Face's cache links to its blobs."""
    home, target = folder.resolve(), file.resolve()
    repository = next((parent for parent in folder.absolute().parents if parent.name == "snapshots"), folder).parent
    if not (target.is_relative_to(home) or target.is_relative_to(repository.resolve() / "blobs")):
        message = f"{file} is a link to {target}, out of the model's folder"
        raise UsageError("model-unsafe", message, shlex.join(["cp", "--remove-destination", str(target), str(file)]))
