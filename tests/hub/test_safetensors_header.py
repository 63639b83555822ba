"""Headers against the safetensors library itself, and every way in which a file can be damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.safetensors_header import read_header
from skyreels_cli.hub.tensor import TensorEntry


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    save_file(
        {
            "a": np.zeros((2, 3), np.float32),
            "b": np.zeros((5,), np.float16),
            "scalar": np.zeros((), np.int64),
            "empty": np.zeros((0, 4), np.uint8),
        },
        path,
        metadata={"format": "pt"},
    )
    return path


def test_header_is_what_the_library_reads(weights: Path) -> None:
    header = read_header(weights)
    with safe_open(weights, "numpy") as file:
        library = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert {name: tensor.shape for name, tensor in header.tensors.items()} == library
    assert header.metadata == {"format": "pt"}
    assert header.tensors == {
        "a": TensorEntry("F32", (2, 3)),
        "b": TensorEntry("F16", (5,)),
        "scalar": TensorEntry("I64", ()),
        "empty": TensorEntry("U8", (0, 4)),
    }


@pytest.mark.parametrize(("dtype", "size"), [("BOOL", 6), ("BF16", 12), ("F8_E4M3", 6), ("F64", 48), ("F4", 3)])
def test_bytes_follow_from_the_name_of_the_dtype(dtype: str, size: int) -> None:
    assert TensorEntry(dtype, (2, 3)).bytes == size


def test_truncated_names_both_sizes(weights: Path) -> None:
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-7])
    with pytest.raises(UsageError, match=f"{len(whole) - 7:,} of {len(whole):,} bytes") as error:
        read_header(weights)
    assert error.value.code == "model-truncated"


def test_truncated_within_the_header(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:20])
    with pytest.raises(UsageError) as error:
        read_header(weights)
    assert error.value.code == "model-truncated"


def written(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "zip": lambda path: path.write_bytes(b"PK\x03\x04" * 100),
    "no json": lambda path: written(path, b"{not json"),
    "no object": lambda path: written(path, [1]),
    "no dtype": lambda path: written(path, {"a": {"shape": [1], "data_offsets": [0, 4]}}, b"1234"),
    "gap": lambda path: written(path, {"a": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}}, b"1234"),
    "shape": lambda path: written(path, {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
    "negative shape": lambda path: written(
        path, {"a": {"dtype": "U8", "shape": [-2, -1], "data_offsets": [0, 2]}}, b"12"
    ),
    "endless dtype": lambda path: written(
        path, {"a": {"dtype": "F" + "9" * 9000, "shape": [], "data_offsets": [0, 0]}}
    ),
    "deep": lambda path: written(path, b'{"a":' + b"[" * 100_000),
    "surplus": lambda path: written(path, {"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}, b"1234"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_refused(damage: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    damage(path)
    with pytest.raises(UsageError, match=r"w\.safetensors is damaged: ") as error:
        read_header(path)
    assert (error.value.code, error.value.exit_code) == ("model-broken", 2)


def test_git_lfs_pointer_says_how_to_get_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 123\n")
    with pytest.raises(UsageError, match="Git LFS pointer") as error:
        read_header(path)
    assert error.value.hint == f"git -C {tmp_path} lfs pull"
