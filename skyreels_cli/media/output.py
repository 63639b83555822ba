"""Where a film goes: its default name, and why it could not be written, found before rendering."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path
from shlex import quote

from skyreels_cli.errors import UsageError
from skyreels_cli.output import byte_size

MAX_NAME_BYTES = 120
"""Far below the 255 of most file systems (143 with eCryptfs), for sidecars make the name longer."""


def default_output(prompt: str, seed: int, outdir: Path, codec: str, now: datetime) -> Path:
    """`<date>_<slug of the prompt>_<seed>.mp4` (.mkv for ffv1).

    Letters of every script are kept (NFC, lower case), all else becomes a hyphen. Beginning with a digit, the
    name is none of Windows' reserved ones (CON, NUL …), whatever the prompt.
    """
    start, end = f"{now:%Y%m%d-%H%M%S}_", f"_{seed}{'.mkv' if codec == 'ffv1' else '.mp4'}"
    return outdir / f"{start}{_slug(prompt, MAX_NAME_BYTES - len(start) - len(end))}{end}"


def is_default_name(name: str) -> bool:
    """Whether `default_output` may have given a file this name."""
    return re.match(r"\d{8}-\d{6}_", name) is not None


def check_output(path: Path, *, overwrite: bool) -> None:
    """Raise `output-exists`, `output-is-a-folder` or `output-not-writable`; nothing is left behind."""
    try:
        if path.is_dir():
            message = f"{path} is a folder; a film needs a file name"
            raise UsageError("output-is-a-folder", message, f"-o {quote(str(path / 'film.mp4'))}")
        if path.exists() and not overwrite:
            raise output_exists(path)
        folder = _existing_folder(path.parent)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write into {folder}")
        with tempfile.TemporaryFile(dir=folder):  # root may do anything by its permissions, yet not everywhere
            pass
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        hint = f"-o {quote(str(Path(tempfile.gettempdir()) / path.name))}"
        raise UsageError("output-not-writable", message, hint) from error


def output_exists(path: Path) -> UsageError:
    """The error for a name that another file has."""
    return UsageError("output-exists", f"{path} exists already", "--overwrite")


def check_space(folder: Path, needed_bytes: float) -> None:
    """Raise `disk-too-small` if the disk of a folder (which need not exist yet) has less than this free."""
    free = shutil.disk_usage(_existing_folder(folder)).free
    if needed_bytes > free:
        message = f"the film needs {byte_size(needed_bytes)} on disk, and {folder} has {byte_size(free)} free"
        raise UsageError("disk-too-small", message, "--outdir /a/larger/disk")


def _existing_folder(folder: Path) -> Path:
    """The folder itself, or the nearest one above in which it can be created."""
    absolute = folder.absolute()
    return next(place for place in (absolute, *absolute.parents) if place.exists())


def _slug(prompt: str, limit: int) -> str:
    """The first words of a prompt, at most `limit` bytes of UTF-8; `film` if it has no letter or digit."""
    text = unicodedata.normalize("NFC", prompt.lower())
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else "-" for char in text)
    slug = "-".join(word for word in kept.split("-") if word)
    cut = slug.encode("utf-8")[:limit].decode("utf-8", "ignore")
    if cut != slug and "-" in cut[len(cut) // 2 :]:
        cut = cut.rpartition("-")[0]  # whole words, where that keeps at least half of the name
    return cut.strip("-") or "film"
