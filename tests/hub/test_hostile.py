"""Files that mean harm, or are broken beyond use: one line, exit 2, and neither time nor memory is spent on them."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from skyreels_cli.cli.main import main
from skyreels_cli.errors import UsageError
from skyreels_cli.hub.headers import read_weights_header
from skyreels_cli.hub.open import open_model

GOLDEN = Path(__file__).parents[1] / "golden"


class Code:
    """Whoever unpickles it without care makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def archive(path: Path, pickled: bytes, compression: int = zipfile.ZIP_STORED, data: bytes = b"\0" * 16) -> None:
    """A zip as torch writes them, with any pickle in it."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled)
        file.writestr("archive/data/0", data)


def header(path: Path, text: bytes, length: int | None = None) -> None:
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text)


def gguf(path: Path, *counts: int, rest: bytes = b"") -> None:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, *counts) + rest)


def text(value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(value) if length is None else length) + value


def one_tensor(name: bytes = b"a", shape: tuple[int, ...] = (4,), kind: int = 0, start: int = 0) -> bytes:
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, start)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "pickle with code": lambda path: torch.save({"x": Code(path.with_name("ran"))}, path),
    "bare pickle with code": lambda path: path.write_bytes(pickle.dumps({"x": Code(path.with_name("ran"))})),
    "pickle with a huge memo index": lambda path: archive(path, b"\x80\x02Nr\xff\xff\xff\x7f."),
    "pickle with a huge bytearray": lambda path: archive(path, b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"."),
    "pickle that is deep": lambda path: archive(path, b"\x80\x02" + b"(" * 290_000),
    "pickle that does not end": lambda path: archive(path, b"\x80\x02}q\0"),
    "pickle of no dict": lambda path: archive(path, pickle.dumps([1], 2)),
    "zip bomb": lambda path: archive(path, b"\x80\x02}.", zipfile.ZIP_DEFLATED, b"\0" * (1 << 27)),
    "zip without an end": lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 9999),
    "zip with many entries": lambda path: path.write_bytes(
        b"PK\x03\x04" + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 65535, 65535, 0xFFFFFFF0, 0, 0)
    ),
    "header of 100 MB": lambda path: header(path, b'{"a":' + b" " * 100_000_000),
    "header of many objects": lambda path: header(path, b"[" + b"{}," * 1_600_000 + b"{}]"),
    "header beyond the end": lambda path: header(path, b"{}", 1 << 62),
    "header too deep": lambda path: header(path, b"[" * 1_000_000),
    "offsets outside": lambda path: header(path, b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999]}}'),
    "offsets backwards": lambda path: header(path, b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}'),
    "offsets that overlap": lambda path: header(
        path,
        b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}abcdef',
    ),
    "gguf of 2^60 tensors": lambda path: gguf(path, 1 << 60, 0),
    "gguf of 2^60 values": lambda path: gguf(path, 0, 1 << 60),
    "gguf with a long name": lambda path: gguf(path, 0, 1, rest=text(b"a", 1 << 62) + b"\0" * 99),
    "gguf with a huge array": lambda path: gguf(
        path, 0, 1, rest=text(b"a") + struct.pack("<IIQ", 9, 4, 1 << 61) + b"\0" * 99
    ),
    "gguf with arrays of arrays": lambda path: gguf(
        path, 0, 1, rest=text(b"a") + struct.pack("<IIQ", 9, 9, 5) + b"\0" * 99
    ),
    "gguf of an unknown type": lambda path: gguf(path, 1, 0, rest=one_tensor(kind=999)),
    "gguf with 1000 dimensions": lambda path: gguf(path, 1, 0, rest=text(b"a") + struct.pack("<I", 1000) + b"\0" * 99),
    "gguf that is cut off": lambda path: gguf(path, 1, 0, rest=one_tensor(shape=(1 << 40,))),
    "gguf with data at the end of the world": lambda path: gguf(path, 1, 0, rest=one_tensor(start=1 << 62)),
    "gguf of version 9": lambda path: path.write_bytes(b"GGUF" + struct.pack("<IQQ", 9, 0, 0)),
    "nothing": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 99),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.safetensors"  # the name does not matter
    HOSTILE[kind](path)
    assert main(["generate", "x", "--model", str(path), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"].startswith("model-")
    assert "\n" not in error["message"]
    assert error["hint"]
    assert not (tmp_path / "ran").exists()


READ_ALL = """
import sys
from pathlib import Path
from skyreels_cli.errors import UsageError
from skyreels_cli.hub.headers import read_weights_header
for path in sys.argv[1:]:
    try:
        read_weights_header(Path(path))
    except UsageError:
        pass
assert "torch" not in sys.modules
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak since the start of a process is in /proc")
def test_all_of_them_together_take_less_than_300_mb(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(len(HOSTILE))]
    for path, write in zip(files, HOSTILE.values(), strict=True):
        write(path)
    ran = subprocess.run([sys.executable, "-c", READ_ALL, *map(str, files)], capture_output=True, text=True, check=True)
    assert int(ran.stdout) * 1024 < 300e6


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "model", tmp_path / "model"))


def refused(model: Path) -> UsageError:
    with pytest.raises(UsageError) as error:
        open_model(str(model))
    assert error.value.exit_code == 2
    return error.value


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("transformer", ["evil", "SkyReelsV2Transformer3DModel"]),
        ("vae", ["diffusers", "AutoencoderKL"]),
        ("tokenizer", ["evil", "T5TokenizerFast"]),
        ("new_part", ["evil.module", "Runs"]),
        ("text_encoder", ["transformers"]),
    ],
)
def test_foreign_classes_are_refused(part: str, named: list[str], model: Path) -> None:
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps({**index, part: named}))
    error = refused(model)
    assert error.code == "model-unsafe"
    assert ".".join(named) in error.message


def test_a_tokenizer_with_code_is_refused(model: Path) -> None:
    (model / "tokenizer/tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "evil.Runs"}}')
    assert refused(model).code == "model-unsafe"


@pytest.mark.parametrize("file", ["vae/diffusion_pytorch_model.safetensors", "tokenizer/tokenizer.json"])
def test_links_out_of_the_folder_are_refused(file: str, model: Path, tmp_path: Path) -> None:
    (model / file).rename(tmp_path / "elsewhere")
    (model / file).symlink_to(tmp_path / "elsewhere")
    error = refused(model)
    assert error.code == "model-unsafe"
    assert str(tmp_path / "elsewhere") in error.message


def test_links_within_the_folder_and_those_of_hugging_faces_cache_are_not(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "models--owner--ball"
    (cache / "blobs").mkdir(parents=True)
    snapshot = cache / "snapshots" / "0123"
    for file in sorted(path for path in model.rglob("*") if path.is_file()):
        blob = cache / "blobs" / str(len(list((cache / "blobs").iterdir())))
        shutil.copy(file, blob)
        link = snapshot / file.relative_to(model)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    assert open_model(str(snapshot)).family == "df"
    weights = model / "vae/diffusion_pytorch_model.safetensors"
    weights.rename(model / "vae/real.safetensors")
    weights.symlink_to("real.safetensors")
    assert open_model(str(model)).family == "df"
    (tmp_path / "link").symlink_to(model)
    assert open_model(str(tmp_path / "link")).family == "df"


def test_a_huge_config_is_not_read(model: Path) -> None:
    (model / "vae/config.json").write_text('{"a": "' + "x" * 9_000_000 + '"}')
    assert refused(model).code == "model-broken"


@pytest.mark.parametrize(
    "change", [{"num_layers": 10**9}, {"rope_max_seq_len": 10**9}, {"num_attention_heads": "many"}]
)
def test_an_impossible_config_is_refused(
    change: dict[str, Any], model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((model / "transformer/config.json").read_text())
    (model / "transformer/config.json").write_text(json.dumps({**config, **change}))
    assert main(["generate", "x", "--model", str(model), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "model-broken"


def test_an_honest_file_is_read(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2, 3), "b": torch.ones(4, dtype=torch.bfloat16)[1:]}, tmp_path / "x.pth")
    tensors = read_weights_header(tmp_path / "x.pth").tensors
    assert {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()} == {
        "a": ("F32", (2, 3)),
        "b": ("BF16", (3,)),
    }
