"""Reads single tensors out of weights files, whatever their kind; nothing is read that is not asked for."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from skyreels_cli.hub.gguf_header import MAGIC as GGUF
from skyreels_cli.hub.pickle_header import is_zip
from skyreels_cli.hub.tensor import GGML_BLOCKS, StoredTensor
from skyreels_cli.model.weights.packed import Stored
from skyreels_cli.model.weights.pickles import converted_path


class _File(Protocol):
    """An open file."""

    def read(self, key: str) -> Tensor:
        """A tensor as it is stored."""
        ...


class WeightsReader:
    """Opens each file once; safetensors are mapped into memory, so that the disk is read as values are used."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._files: dict[Path, _File] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.clear()
        self._stack.close()

    def read(self, stored: StoredTensor) -> Stored:
        """The part of a file that a tensor of a module is."""
        file = self._open(stored.file)
        data = file.read(stored.key)
        scale = file.read(stored.scale) if stored.scale else None
        if stored.part:
            index, count = stored.part
            data = data.chunk(count)[index]
            scale = scale.chunk(count)[index] if scale is not None and scale.numel() > 1 else scale
        if stored.dtype not in GGML_BLOCKS:
            data = data.reshape(stored.shape)
        return Stored(stored.dtype, data, scale)

    def raw(self, path: Path, key: str) -> Tensor:
        """A tensor of a file, as it is."""
        return self._open(path).read(key)

    def _open(self, path: Path) -> _File:
        if path not in self._files:
            self._files[path] = self._opened(path)
        return self._files[path]

    def _opened(self, path: Path) -> _File:
        with path.open("rb") as file:
            start = file.read(4)
        if start == GGUF:
            return _Gguf(path)
        return _Safetensors(self._stack, converted_path(path) if is_zip(start) else path)


class _Safetensors:
    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._file: Any = stack.enter_context(safe_open(path, "pt"))

    def read(self, key: str) -> Tensor:
        """A tensor, mapped."""
        tensor: Tensor = self._file.get_tensor(key)
        return tensor


class _Gguf:
    """By the package `gguf`, once its counts have been found to be possible (`hub.gguf_header`)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _tensors(self) -> dict[str, Any]:
        from gguf import GGUFReader

        return {tensor.name: tensor for tensor in GGUFReader(self._path).tensors}

    def read(self, key: str) -> Tensor:
        """Blocks as bytes `(rows, bytes of a row)`, plain numbers as they are; a copy."""
        tensor = self._tensors[key]
        data = torch.from_numpy(np.array(tensor.data))
        return data.view(torch.bfloat16) if tensor.tensor_type.name == "BF16" else data
