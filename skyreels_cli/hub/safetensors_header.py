"""Reads the header of a safetensors file and checks the file's size by it; no weight is read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100_000_000
"""The limit of the safetensors library itself; a longer "header" is a file of another kind."""


@dataclass(frozen=True)
class TensorEntry:
    """A tensor's entry in a header: its dtype (`F32`, `BF16` …) and shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of data; the bits of a value are in the name of its dtype (`F8_E4M3` has 8)."""
        digits = re.search(r"\d+", self.dtype)
        bits = int(digits.group()) if digits else 8  # BOOL
        return self.elements * bits // 8


def read_header(path: Path) -> dict[str, TensorEntry]:
    """Tensors of the file by name. Format: u64 little-endian length, JSON of that length, data without gaps.

    Raises UsageError `model-truncated` if the file is shorter than its header says, `model-broken` for other damage;
    neither has a hint, because only the caller knows where the file came from.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES or length > MAX_HEADER_BYTES:
            raise _not_safetensors(path, size)
        if LENGTH_BYTES + length > size:
            raise _truncated(path, size, LENGTH_BYTES + length)
        text = file.read(length)
    tensors, data_bytes = _parse(path, text)
    _check_size(path, size, LENGTH_BYTES + length + data_bytes)
    return tensors


def _parse(path: Path, text: bytes) -> tuple[dict[str, TensorEntry], int]:
    """Tensors by name, and the total of their bytes."""
    try:
        entries: dict[str, Any] = json.loads(text)
        entries.pop("__metadata__", None)
        tensors = {name: TensorEntry(str(entry["dtype"]), _shape(entry)) for name, entry in entries.items()}
        spans = sorted((int(begin), int(end)) for begin, end in (e["data_offsets"] for e in entries.values()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
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
    return tensors, end_of_data


def _shape(entry: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(n) for n in entry["shape"])


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
