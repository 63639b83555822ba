"""The header of a `.pth` that torch has written: names, dtypes and shapes of its tensors; no code in it is run.

Such a file is a zip archive: `data.pkl` describes the tensors, and each storage lies in an entry of its own, as it is.
A pickle names functions to call, whatever they are. The few that describe tensors are played by stand-ins here, and
the first other name ends the reading before anything is called.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.tensor import Header, TensorEntry

MAX_PICKLE_BYTES, MAX_DIRECTORY_BYTES = 300_000, 1_000_000
"""UMT5-XXL has 30 kB of either, and Python takes up to 100 bytes of memory for each byte of a hostile pickle."""

STORAGES = {
    "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL", "Float8_e4m3fnStorage": "F8_E4M3", "Float8_e5m2Storage": "F8_E5M2",
}  # fmt: skip


class _Unsafe(Exception):
    """The name of what would be run."""


class _Damaged(Exception):
    """The reason, as the end of a sentence."""


@dataclass(frozen=True)
class _Storage:
    dtype: str
    entry: str
    elements: int


@dataclass(frozen=True)
class _View:
    """A tensor of the pickle: a part of a storage."""

    storage: _Storage
    shape: tuple[int, ...]

    @property
    def tensor(self) -> TensorEntry:
        """As a header tells it."""
        return TensorEntry(self.storage.dtype, self.shape)


def read_pickle_header(path: Path) -> Header:
    """The tensors of a state dict, at its top level.

    Raises UsageError `model-unsafe` for a pickle that names anything but tensors, `model-pickle-only` for one that is
    not in torch's zip format, `model-broken` for a damaged or compressed one.
    """
    with path.open("rb") as file:
        try:
            return Header(dict(_tensors(file, path.stat().st_size)))
        except _Unsafe as unsafe:
            message = f"{path} is no plain state dict: opening it would run {unsafe}"
            raise UsageError("model-unsafe", message, "take the same weights as safetensors") from unsafe
        except _Damaged as damage:
            raise UsageError("model-broken", f"{path} is damaged: {damage}") from damage
        except Exception as error:  # a pickle can raise whatever it likes
            raise UsageError("model-broken", f"{path} is damaged: it is no archive that torch has written") from error


def is_zip(start: bytes) -> bool:
    """Whether a file that begins so is a zip archive."""
    return start.startswith(b"PK\x03\x04")


def _tensors(file: BinaryIO, size: int) -> Iterator[tuple[str, TensorEntry]]:
    if _directory_bytes(file, size) > MAX_DIRECTORY_BYTES:
        raise _Damaged("its directory is larger than that of any state dict")
    with zipfile.ZipFile(file) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        _require_stored(entries, size)
        described = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(described) != 1 or entries[described[0]].file_size > MAX_PICKLE_BYTES:
            raise _Damaged("it has no data.pkl of a state dict")
        state = _Reader(io.BytesIO(archive.read(described[0]))).load()
    root = described[0].removesuffix("data.pkl")
    views = {name: view for name, view in _items(state) if isinstance(view, _View)}
    for name, view in views.items():
        _require_room(name, view, entries.get(f"{root}data/{view.storage.entry}"))
        yield name, view.tensor


def _items(state: Any) -> list[tuple[str, Any]]:
    if not isinstance(state, Mapping):
        raise _Damaged("it holds no state dict")
    return [(str(name), value) for name, value in state.items()]


def _require_stored(entries: Mapping[str, zipfile.ZipInfo], size: int) -> None:
    """Torch compresses nothing; what is compressed may be a bomb."""
    if any(info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
        raise _Damaged("its entries are compressed, as torch never writes them")
    if sum(info.file_size for info in entries.values()) > size:
        raise _Damaged("its entries are larger than the file")


def _require_room(name: str, view: _View, entry: zipfile.ZipInfo | None) -> None:
    """The storage must be there, and as large as the tensor."""
    needed = TensorEntry(view.storage.dtype, (view.storage.elements,)).bytes
    if entry is None or entry.file_size != needed or view.tensor.bytes > needed:
        raise _Damaged(f"the data of tensor {name} is missing or of another size")


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Size of the archive's directory, told by the record at its end (APPNOTE 4.3.16, and 4.3.14 for over 4 GB)."""
    tail_start = max(0, size - 22 - 65535)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise _Damaged("it is cut off: the directory of the archive is missing")
    (directory,) = struct.unpack_from("<I", tail, at + 12)
    locator = tail[max(0, at - 20) : at]
    if locator.startswith(b"PK\x06\x07") and len(locator) == 20:
        file.seek(min(size, struct.unpack_from("<Q", locator, 8)[0]))
        record = file.read(56)
        if len(record) == 56 and record.startswith(b"PK\x06\x06"):
            (directory,) = struct.unpack_from("<Q", record, 40)
    return int(directory)


# The one in Python: that in C makes a list as long as an index of its memo says. BYTEARRAY8 does so in either.
_PYTHON_UNPICKLER: Any = vars(pickle)["_Unpickler"]


class _Reader(_PYTHON_UNPICKLER):  # type: ignore[misc]
    """Unpickles descriptions of tensors, and nothing else."""

    dispatch: ClassVar = {
        code: load for code, load in _PYTHON_UNPICKLER.dispatch.items() if code != pickle.BYTEARRAY8[0]
    }

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for a name that a state dict has; `_Unsafe` for any other."""
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return _rebuild_tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return lambda view, *_: view
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise _Unsafe(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """A storage: `("storage", its type, its entry, a device, number of elements)`."""
        kind, dtype, entry, _, elements = pid
        if kind != "storage" or not isinstance(dtype, str) or not isinstance(elements, int):
            raise _Damaged("its data.pkl describes a storage of an unknown kind")
        return _Storage(dtype, str(entry), elements)


def _rebuild_tensor(storage: _Storage, offset: int, shape: tuple[int, ...], *_: Any) -> _View:
    if not isinstance(storage, _Storage) or len(shape) > 8 or min(offset, *shape, 0) < 0:
        raise _Damaged("its data.pkl describes a tensor of an impossible shape")
    return _View(storage, tuple(int(n) for n in shape))
