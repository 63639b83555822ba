"""`.skypreset`: a zip of `preset.yaml` and the pictures that it names, bounded before anything is unpacked."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from skyreels_cli.errors import UsageError, printable
from skyreels_cli.recipe.presets.files import is_inside, named_files
from skyreels_cli.recipe.presets.read import read_preset
from skyreels_cli.recipe.presets.yaml_text import MAX_BYTES
from skyreels_cli.recipe.sharing.bundle import Bundle

SUFFIX = ".skypreset"
MAGIC = b"PK\x03\x04"
PRESET = "preset.yaml"
MEDIA = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".mp4", ".mov", ".mkv", ".webm")

MAX_ARCHIVE = 32 << 20
MAX_FILES = 64
MAX_UNPACKED = 48 << 20
MAX_RATIO = 200
"""Text is squeezed to a hundredth at best; a bomb to a thousandth."""
MAX_LEVELS = 4


def write_archive(yaml: str, files: Mapping[str, bytes]) -> bytes:
    """The archive of a preset; the same preset makes the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((PRESET, yaml.encode("utf-8")), *sorted(files.items())):
            entry = zipfile.ZipInfo(name)  # of 1980, and of nobody's machine
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def read_archive(content: bytes, where: str) -> Bundle:
    """The preset and the files in an archive; UsageError `bad-archive` or `bad-preset`."""
    if len(content) > MAX_ARCHIVE:
        raise _bad(where, f"it is larger than {MAX_ARCHIVE >> 20} MB")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _checked(archive, where)
            files = {entry.filename: _content(archive, entry, where) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, LookupError, NotImplementedError) as broken:
        raise _bad(where, "it is damaged, or no zip at all") from broken
    text = read_preset(files.pop(PRESET), f"{where}/{PRESET}", hint="ask for the preset again")
    if text.preset.extends:
        raise _bad(where, "it extends another preset, and an archive is whole")
    for _, name in named_files(text.preset):
        if name not in files:
            raise _bad(where, f"it names the file {printable(name, 60)!r}, which is not in it")
    return Bundle(text, files)


def _checked(archive: zipfile.ZipFile, where: str) -> list[zipfile.ZipInfo]:
    """The entries, if all that is said of them is harmless."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(archive.infolist()) > MAX_FILES:
        raise _bad(where, f"it has more than {MAX_FILES} files")
    for entry in entries:
        if problem := _problem(entry):
            raise _bad(where, f"{printable(entry.filename, 60)!r} {problem}")
    names = [entry.filename.casefold() for entry in entries]
    if len(set(names)) < len(names):
        raise _bad(where, "it has two files of one name")
    if PRESET not in names:
        raise _bad(where, f"there is no {PRESET} in it")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise _bad(where, f"unpacked it is larger than {MAX_UNPACKED >> 20} MB")
    return entries


def _problem(entry: zipfile.ZipInfo) -> str | None:
    """What is wrong with an entry, as far as its head tells."""
    name = PurePosixPath(entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    limit = MAX_BYTES if entry.filename == PRESET else MAX_UNPACKED
    if not is_inside(entry.filename) or len(name.parts) > MAX_LEVELS or len(entry.filename) > 200:
        return "leads out of the preset's folder"
    if kind not in (0, stat.S_IFREG):
        return "is no file but a link or a device"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.filename != PRESET and name.suffix.lower() not in MEDIA:
        return "is neither the preset nor a picture or video"
    if entry.file_size > limit or entry.file_size > MAX_RATIO * max(entry.compress_size, 64):
        return "is far larger than it seems"
    return None


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> bytes:
    """What is in an entry; the head may lie, so no more is unpacked than it says."""
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise _bad(where, f"{printable(entry.filename, 60)!r} is larger than it says")
    return content


def _bad(where: str, reason: str) -> UsageError:
    return UsageError("bad-archive", f"{where} is no preset to import: {reason}", "ask for the preset again")
