"""The header of a GGUF file (version 2 or 3): metadata, and the names, types and shapes of its tensors.

The package `gguf` believes whatever counts a file states, and loops over them; here nothing is believed that the file
has no room for. Its data is unpacked by diffusers (`model.weights.packed`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.tensor import GGML_BLOCKS, Header, TensorEntry

MAGIC = b"GGUF"
MAX_HEADER_BYTES = 16_000_000
"""The header of a 14B transformer has 0.1 MB, that of a text encoder with its vocabulary 6 MB."""
MAX_DIMENSIONS = 8

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 20: "IQ4_NL", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    30: "BF16",
}  # fmt: skip
ORIGINAL_SHAPE = "comfy.gguf.orig_shape."
"""ComfyUI's converter flattens tensors that quantise badly and keeps their shape under this key."""


class _DamagedGguf(Exception):
    """The reason, as the end of a sentence."""


def read_gguf_header(path: Path) -> Header:
    """Tensors and metadata; arrays of metadata are given only if they are numbers.

    Raises UsageError `model-truncated` if tensors lie behind the end of the file, `model-broken` for other damage.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            header, positions, data_start = _GgufReader(file, size).header()
        except _DamagedGguf as damage:
            raise UsageError("model-broken", f"{path} is damaged: {damage}") from damage
    ends = [data_start + positions[name] + tensor.bytes for name, tensor in header.tensors.items()]
    if max(ends, default=0) > size:
        raise UsageError("model-truncated", f"{path} is cut off: it has {size:,} of {max(ends):,} bytes")
    return header


class _GgufReader:
    """Reads forward; a count is checked against the bytes that are left before anything is made of it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = min(size, MAX_HEADER_BYTES)

    def header(self) -> tuple[Header, dict[str, int], int]:
        """The header, where each tensor begins within the data, and where the data begins."""
        magic, version = self._take(4), self._number("I")
        if magic != MAGIC or version not in (2, 3):
            raise _DamagedGguf(f"it is GGUF of version {version}, and 2 and 3 are known")
        tensor_count, value_count = self._count(24), self._count(13)
        metadata = {self._text(): self._value(self._number("I")) for _ in range(value_count)}
        tensors, positions = {}, {}
        for name, tensor, position in self._tensors(tensor_count):
            tensors[name], positions[name] = tensor, position
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 65536:
            raise _DamagedGguf(f"its alignment is {alignment!r}")
        data_start = -(-self._file.tell() // alignment) * alignment
        return Header(_unflattened(tensors, metadata), metadata), positions, data_start

    def _tensors(self, count: int) -> Iterator[tuple[str, TensorEntry, int]]:
        for _ in range(count):
            name, dimensions = self._text(), self._number("I")
            if dimensions > MAX_DIMENSIONS:
                raise _DamagedGguf(f"tensor {name} has {dimensions} dimensions")
            shape = tuple(self._number("Q") for _ in range(dimensions))[::-1]  # GGML counts the innermost axis first
            kind, position = self._number("I"), self._number("Q")
            yield name, _tensor(name, kind, shape), position

    def _take(self, count: int) -> bytes:
        self._left -= count
        data = self._file.read(count) if self._left >= 0 else b""
        if len(data) != count:
            raise _DamagedGguf("its header does not end")
        return data

    def _number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}")))[0]

    def _count(self, bytes_each: int) -> int:
        count = int(self._number("Q"))
        if count * bytes_each > self._left:
            raise _DamagedGguf(f"its header states {count:,} entries, more than it has room for")
        return count

    def _text(self) -> str:
        return self._take(self._count(1)).decode("utf-8", errors="replace")

    def _value(self, kind: int) -> Any:
        if kind in SCALARS:
            return self._number(SCALARS[kind])
        if kind == STRING:
            return self._text()
        if kind != ARRAY:
            raise _DamagedGguf(f"its metadata has a value of unknown type {kind}")
        return self._array(self._number("I"))

    def _array(self, kind: int) -> Any:
        """Numbers as a tuple; texts are passed over (vocabularies), arrays of arrays are in no file of this kind."""
        if kind in SCALARS:
            code = SCALARS[kind]
            count = self._count(struct.calcsize(code))
            return struct.unpack(f"<{count}{code}", self._take(count * struct.calcsize(code)))
        if kind != STRING:
            raise _DamagedGguf(f"its metadata has an array of unknown type {kind}")
        for _ in range(self._count(8)):
            self._take(self._count(1))
        return None


def _tensor(name: str, kind: int, shape: tuple[int, ...]) -> TensorEntry:
    if kind not in TYPES:
        raise _DamagedGguf(f"tensor {name} is of GGML's type {kind}, which is not known here")
    tensor = TensorEntry(TYPES[kind], shape)
    values, _ = GGML_BLOCKS.get(tensor.dtype, (1, 0))
    if shape and shape[-1] % values:
        raise _DamagedGguf(f"tensor {name} has rows of {shape[-1]} values, which {tensor.dtype} cannot hold")
    return tensor


def _unflattened(tensors: dict[str, TensorEntry], metadata: dict[str, Any]) -> dict[str, TensorEntry]:
    """Tensors in the shapes that their modules give them."""
    return {name: _in_shape(name, tensor, metadata.get(ORIGINAL_SHAPE + name)) for name, tensor in tensors.items()}


def _in_shape(name: str, tensor: TensorEntry, shape: Any) -> TensorEntry:
    if shape is None:
        return tensor
    if not isinstance(shape, tuple) or math.prod(shape) != tensor.elements:
        raise _DamagedGguf(f"tensor {name} {tensor.shape} is said to have the shape {shape}")
    return TensorEntry(tensor.dtype, shape)
