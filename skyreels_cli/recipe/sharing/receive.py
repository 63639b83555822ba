"""Takes a preset from wherever it comes: a code, a URL, an archive, a film, stdin or a file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path, PurePosixPath

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.presets.find import SUFFIXES
from skyreels_cli.recipe.presets.read import read_file, read_preset
from skyreels_cli.recipe.presets.yaml_text import MAX_BYTES
from skyreels_cli.recipe.sharing.archive import MAGIC, MAX_ARCHIVE, SUFFIX, read_archive
from skyreels_cli.recipe.sharing.bundle import Bundle
from skyreels_cli.recipe.sharing.code import from_code, is_code
from skyreels_cli.recipe.sharing.fetch import fetch, is_url
from skyreels_cli.recipe.sharing.film import FILMS, is_record, read_film, read_record

STDIN = "-"
EBML = b"\x1a\x45\xdf\xa3"
"""How mkv and webm begin; mp4 and mov have `ftyp` behind their first length."""


def is_shared(source: str) -> bool:
    """Whether this is not the name or the file of a preset, but something that holds one."""
    if source == STDIN or is_url(source) or is_code(source):
        return True
    path = Path(source).expanduser()
    if path.suffix.lower() in (SUFFIX, *FILMS):
        return True
    return path.suffix == ".json" and path.is_file() and is_record(read_file(path))


def receive(source: str) -> Bundle:
    """The preset behind any of them, checked; nothing is written.

    Raises UsageError `bad-code`, `bad-archive`, `bad-preset`, `url-refused`, `no-recipe`, `preset-not-found`.
    """
    if source == STDIN:
        return _sniffed(sys.stdin.buffer.read(MAX_ARCHIVE + 1), "stdin")
    if is_url(source):
        return _sniffed(fetch(source), source)
    if is_code(source):
        return Bundle(from_code(source))
    return _from_file(Path(source).expanduser())


def _from_file(path: Path) -> Bundle:
    suffix = path.suffix.lower()
    if suffix in FILMS:
        return read_film(path)
    if not path.is_file():
        raise UsageError("preset-not-found", f"there is no file {path}", "skyreels preset list")
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_ARCHIVE + 1)
    except OSError as error:
        raise UsageError("preset-not-found", f"{path} cannot be read", f"ls -l {path}") from error
    bundle = _sniffed(content, str(path))
    return bundle if bundle.files else Bundle(bundle.text, folder=path.absolute().parent)


def _sniffed(content: bytes, where: str) -> Bundle:
    """The preset in some bytes, by what they look like, not by what they are called."""
    if content.startswith(MAGIC):
        return read_archive(content, where)
    if content[4:8] == b"ftyp" or content.startswith(EBML):
        return _film(content, where)
    if len(content) <= MAX_BYTES:
        if is_record(content):
            return read_record(content, where)
        text = content.decode("utf-8", "replace")
        if is_code(text) and Path(where).suffix not in SUFFIXES:
            return Bundle(from_code(text))
    return Bundle(read_preset(content, where, hint=None if Path(where).is_file() else "ask for the preset again"))


def _film(content: bytes, where: str) -> Bundle:
    """The preset in a film that did not come as a file; what lies beside it did not come."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (PurePosixPath(where).name if PurePosixPath(where).suffix in FILMS else "film.mkv")
        path.write_bytes(content)
        return Bundle(read_film(path).text)
