"""A tensor in a weights file: its dtype, its shape, and what it takes on disk."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GGML_BLOCKS = {
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q5_0": (32, 22),
    "Q5_1": (32, 24),
    "Q8_0": (32, 34),
    "Q2_K": (256, 84),
    "Q3_K": (256, 110),
    "Q4_K": (256, 144),
    "Q5_K": (256, 176),
    "Q6_K": (256, 210),
    "IQ4_NL": (32, 18),
    "IQ4_XS": (256, 136),
}
"""Values and bytes in a block of GGML's quantised types."""

FLOAT8 = frozenset({"F8_E4M3", "F8_E5M2"})
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True)
class TensorEntry:
    """One entry of a header: `F32`, `BF16`, `F8_E4M3`, `Q4_K` … and its shape, outermost axis first."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of data; but for GGML's blocks, the bits of a value are in the name of its dtype (`F8_E4M3` has 8)."""
        if self.dtype in GGML_BLOCKS:
            values, size = GGML_BLOCKS[self.dtype]
            return self.elements // values * size
        digits = re.search(r"\d+", self.dtype)
        bits = int(digits.group()) if digits else 8  # BOOL
        return self.elements * bits // 8

    @property
    def packed(self) -> bool:
        """Whether it takes less than 16 bits a value, so that it is unpacked for arithmetic."""
        return self.dtype in FLOAT8 or self.dtype in GGML_BLOCKS


@dataclass(frozen=True)
class StoredTensor(TensorEntry):
    """A tensor of a module as it lies on disk: `key` of a `file`.

    It is multiplied with the tensor `scale` of the same file, if there is one; with `part` (i, n) it is the i-th of n
    equal parts of what is stored, along the first axis. Its shape is the module's.
    """

    file: Path
    key: str
    scale: str | None = None
    part: tuple[int, int] | None = None


@dataclass(frozen=True)
class Header:
    """What a weights file holds: its tensors by name, and what it says about itself."""

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, Any] = field(default_factory=dict)
