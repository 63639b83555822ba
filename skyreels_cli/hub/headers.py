"""The header of a weights file of any known kind; the kind is told by its first bytes, never by its name."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.gguf_header import MAGIC as GGUF
from skyreels_cli.hub.gguf_header import read_gguf_header
from skyreels_cli.hub.pickle_header import is_zip, read_pickle_header
from skyreels_cli.hub.safetensors_header import read_header
from skyreels_cli.hub.tensor import Header


def read_weights_header(path: Path) -> Header:
    """What a file holds: safetensors, GGUF, or a state dict in torch's zip format.

    Raises UsageError `model-not-found`, `model-pickle-only`, and what the reader of its kind raises.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise UsageError("model-not-found", f"{path} cannot be read: {error.strerror or error}") from error
    if start.startswith(GGUF):
        return read_gguf_header(path)
    if is_zip(start):
        return read_pickle_header(path)
    if _is_pickle(start):
        message = f"{path} is a bare pickle, whose opening may run any code, and not a state dict in torch's zip format"
        raise UsageError("model-pickle-only", message, "take the same weights as safetensors")
    return read_header(path)


def _is_pickle(start: bytes) -> bool:
    """Protocol 2 to 5; a header of safetensors has its length there, with zeros from the fifth byte on."""
    return start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and start[4:8] != b"\0\0\0\0"
