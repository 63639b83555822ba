"""`.pth` files become safetensors once: what is mapped from then on is plain numbers, and no pickle is opened again.

The copy lies in the cache, named after the file's place, size and age. Only tensors that a model uses are in it (of
CLIP's file that leaves out the text tower, half of it).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.hub.facts import Component
from skyreels_cli.hub.pickle_header import is_zip
from skyreels_cli.hub.tensor import StoredTensor
from skyreels_cli.output import byte_size
from skyreels_cli.paths import folders

NAMES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
    torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}  # fmt: skip


def converted_path(path: Path) -> Path:
    """Where the copy of a `.pth` lies; it need not be there."""
    status = path.stat()
    what = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    name = f"{path.stem}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.safetensors"
    return folders().cache / "weights" / name


def convert_pickles(component: Component) -> Iterator[str]:
    """Make the copies that a component needs and that are not there; yields what is being done, about every tenth.

    Raises SkyreelsError `disk-full` if there is no room for one.
    """
    for file in component.files:
        target = converted_path(file)
        if _is_pickle(file) and not target.is_file():
            keys = {
                tensor.key
                for tensor in component.tensors.values()
                if isinstance(tensor, StoredTensor) and tensor.file == file
            }
            yield from _convert(file, sorted(keys), target)


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return is_zip(file.read(4))


def _convert(source: Path, keys: list[str], target: Path) -> Iterator[str]:
    state = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    tensors = {key: state[key].detach() for key in keys}
    _require_room(target, sum(tensor.nbytes for tensor in tensors.values()))
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            for share in _write(file, tensors):
                yield f"converting {source.name} to safetensors, once: {share:.0%}"
            file.flush()
            os.fsync(file.fileno())
        _check(partial, tensors)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _write(file: BinaryIO, tensors: Mapping[str, Tensor]) -> Iterator[float]:
    """Tensor by tensor (the library's own writer copies all of them into memory first); yields the share done."""
    total, written, told = sum(tensor.nbytes for tensor in tensors.values()), 0, -1
    entries = {}
    for name, tensor in tensors.items():
        span = [written, written := written + tensor.nbytes]
        entries[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": span}
    header = json.dumps(entries).encode()
    file.write(len(header).to_bytes(8, "little") + header)
    written = 0
    for tensor in tensors.values():
        if (tenth := 10 * written // max(1, total)) > told:
            told = tenth
            yield written / max(1, total)
        file.write(_bytes(tensor).numpy().data)
        written += tensor.nbytes


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _check(copy: Path, tensors: Mapping[str, Tensor]) -> None:
    """Every value must be there before the copy counts."""
    from safetensors import safe_open

    with safe_open(copy, "pt") as file:
        for name, tensor in tensors.items():
            if not torch.equal(_bytes(file.get_tensor(name)), _bytes(tensor)):
                raise SkyreelsError(
                    "model-conversion", f"{copy} does not hold what was written to it", "skyreels doctor"
                )


def _require_room(target: Path, needed: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        message = f"{target.parent} needs {byte_size(needed)} for a copy of the weights and has {byte_size(free)} free"
        raise SkyreelsError("disk-full", message, "SKYREELS_HOME=/a/larger/disk skyreels generate …")
