"""The header of a safetensors file: what it holds and whether all of it is there; no weight is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.tensor import Header, TensorEntry

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 5_000_000
"""The safetensors library takes 100 MB, which would be read for seconds into gigabytes; 14B in shards has 0.1 MB."""
MAX_DIMENSIONS = 8
MAX_VALUE_BYTES = 4096


def read_header(path: Path) -> Header:
    """Tensors of the file by name. Format: u64 little-endian length, JSON of that length, data without gaps.

    Raises `model-truncated` if the file is shorter than its header says, `model-broken` for any other damage;
    the caller knows where the file came from and adds the hint.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES or length > MAX_HEADER_BYTES:
            raise _not_safetensors(path, size)
        if LENGTH_BYTES + length > size:
            raise _truncated(path, size, LENGTH_BYTES + length)
        text = file.read(length)
    header, data_bytes = _parse(path, text)
    _check_size(path, size, LENGTH_BYTES + length + data_bytes)
    return header


def read_values(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The data of small tensors of a file whose header has been read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        entries = json.loads(file.read(length))
        spans = {name: entries[name]["data_offsets"] for name in names}
        return {name: _span(file, LENGTH_BYTES + length, *span) for name, span in spans.items()}


def _span(file: BinaryIO, start: int, begin: int, end: int) -> bytes:
    file.seek(start + begin)
    return file.read(min(end - begin, MAX_VALUE_BYTES))


def _parse(path: Path, text: bytes) -> tuple[Header, int]:
    """Tensors by name, and the bytes of data that they need."""
    try:
        entries: dict[str, Any] = json.loads(text)
        metadata = dict(entries.pop("__metadata__", None) or {})
        tensors = {name: TensorEntry(_dtype(entry), _shape(entry)) for name, entry in entries.items()}
        spans = sorted((int(begin), int(end)) for begin, end in (e["data_offsets"] for e in entries.values()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _broken(path, "its header is not valid") from error
    end_of_data = 0
    for begin, end in spans:
        if begin != end_of_data or end < begin:
            raise _broken(path, f"its header leaves a gap at byte {end_of_data} of the data")
        end_of_data = end
    for name, tensor in tensors.items():
        begin, end = entries[name]["data_offsets"]
        if tensor.bytes != end - begin:
            raise _broken(path, f"tensor {name} has {end - begin} bytes where its shape needs {tensor.bytes}")
    return Header(tensors, metadata), end_of_data


def _dtype(entry: Mapping[str, Any]) -> str:
    dtype = entry["dtype"]
    if not re.fullmatch(r"[A-Z]+\d{0,3}[A-Z0-9_]{0,9}", dtype):
        raise ValueError(dtype)
    return str(dtype)


def _shape(entry: Mapping[str, Any]) -> tuple[int, ...]:
    shape = tuple(int(n) for n in entry["shape"])
    if len(shape) > MAX_DIMENSIONS or not all(0 <= n < 2**63 for n in shape):
        raise ValueError(shape)
    return shape


def _check_size(path: Path, size: int, expected: int) -> None:
    if size < expected:
        raise _truncated(path, size, expected)
    if size > expected:
        raise _broken(path, f"it has {size:,} bytes where its header describes {expected:,}")


def _truncated(path: Path, size: int, expected: int) -> UsageError:
    return UsageError("model-truncated", f"{path} is cut off: it has {size:,} of {expected:,} bytes")


def _not_safetensors(path: Path, size: int) -> UsageError:
    with path.open("rb") as file:
        if file.read(23) == b"version https://git-lfs":
            message = f"{path} is a Git LFS pointer of {size} bytes, not the weights"
            return UsageError("model-broken", message, f"git -C {path.parent} lfs pull")
    return _broken(path, f"its {size:,} bytes do not begin with a safetensors header")


def _broken(path: Path, reason: str) -> UsageError:
    return UsageError("model-broken", f"{path} is damaged: {reason}")
