"""Files that come with a shared preset which is used but not imported: kept under the hash of what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.recipe.presets.write import write_bytes
from skyreels_cli.recipe.sharing.bundle import Bundle

FOLDER = ".unpacked"


def unpack(bundle: Bundle, presets_folder: Path | None) -> Path:
    """The folder within the presets folder in which the bundle's files lie from now on.

    They stay, for a film that is interrupted needs them again. Raises `preset-not-written`.
    """
    if presets_folder is None:
        raise SkyreelsError("preset-not-written", f"{bundle.text.where} has files, and there is no folder for them")
    digest = hashlib.sha256()
    for name, content in sorted(bundle.files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    folder = presets_folder / FOLDER / digest.hexdigest()[:32]
    for name, content in bundle.files.items():
        if not (folder / name).is_file():
            write_bytes(folder / name, content)
    return folder
