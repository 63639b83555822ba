"""What stored weights cost: what is lost on the bundled model, and how a 1.3B checkpoint is loaded.

    python tests/benchmarks/bench_weights.py [--json FILE] [--skip-loading]

Lost: films of the bundled model from its weights in each form, against the film of the same weights in float32, all
computed in float32 with the same seeds; PSNR over all pixels, and the bytes of the transformer on disk and loaded.
GGUF files are written as ComfyUI's converter does, blocks of 256 running on over rows where a row has no whole number
of them (`comfy.gguf.orig_shape`); Q4_K by the least and largest value of each block, without ggml's search.

Loaded: a random checkpoint of the 1.3B shape in bfloat16 (2.9 GB, three shards), by this program and by diffusers'
`from_pretrained`, each in a process of its own: seconds, and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyreels_cli.cli.main import main as skyreels
from skyreels_cli.hub.open import open_model
from skyreels_cli.hub.wan.dit import original_name
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.media.reader import read_frames

PROMPTS = (
    "a red circle moves to the right over a dark blue background",
    "a green square moves up over a white background",
)
FILM = ["--num-frames", "33", "--seed", "3", "--device", "cpu", "--dtype", "float32", "--codec", "ffv1", "-q"]
FLOAT8_MAX = 448.0


def is_matrix(name: str, tensor: Tensor) -> bool:
    return name.startswith("blocks.") and tensor.ndim == 2


def fp8(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.to(torch.float8_e4m3fn) if is_matrix(name, t) else t for name, t in tensors.items()}


def scaled_fp8(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    made: dict[str, Tensor] = {"scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn)}
    for name, tensor in tensors.items():
        if is_matrix(name, tensor):
            scale = (tensor.abs().max() / FLOAT8_MAX).float()
            made[name] = (tensor.float() / scale).to(torch.float8_e4m3fn)
            made[name.replace(".weight", ".scale_weight")] = scale
        else:
            made[name] = tensor
    return made


def q4_k(values: np.ndarray) -> np.ndarray:
    """Q4_K blocks of float32 values `(n, 256)`: 8 parts of 32, each with a scale and a least value in 6 bits."""
    parts = values.reshape(-1, 8, 32)
    least = np.minimum(parts.min(axis=2), 0)
    scale, floor = (parts.max(axis=2) - least) / 15, -least
    d, dmin = (part.max(axis=1, keepdims=True) / 63 for part in (scale, floor))
    d, dmin = np.maximum(d, 1e-12).astype(np.float16), np.maximum(dmin, 1e-12).astype(np.float16)
    sc, m = (np.round(part / whole).clip(0, 63).astype(np.uint8) for part, whole in ((scale, d), (floor, dmin)))
    step = (d * sc.astype(np.float32))[..., None]
    offset = (dmin * m.astype(np.float32))[..., None]
    quants = np.round((parts + offset) / np.where(step == 0, 1, step)).clip(0, 15).astype(np.uint8)
    packed = np.concatenate(
        [
            (sc[:, :4] & 63) | ((sc[:, 4:] >> 4) << 6),
            (m[:, :4] & 63) | ((m[:, 4:] >> 4) << 6),
            (sc[:, 4:] & 15) | ((m[:, 4:] & 15) << 4),
        ],
        axis=1,
    )
    pairs = quants.reshape(-1, 4, 2, 32)
    low_high = (pairs[:, :, 0] | (pairs[:, :, 1] << 4)).reshape(-1, 128)
    return np.concatenate([d.view(np.uint8), dmin.view(np.uint8), packed, low_high], axis=1)


def write_gguf(path: Path, tensors: dict[str, Tensor], kind: str) -> None:
    kinds = gguf.GGMLQuantizationType
    writer = gguf.GGUFWriter(path, "wan")
    for name, tensor in tensors.items():
        data = tensor.float().numpy()
        if not is_matrix(name, tensor):
            writer.add_tensor(name, np.ascontiguousarray(data))
            continue
        if kind == "Q4_K":
            writer.add_array(f"comfy.gguf.orig_shape.{name}", list(data.shape))
            blocks = q4_k(data.reshape(-1, 256))
        else:
            blocks = gguf.quants.quantize(data, kinds[kind])
        writer.add_tensor(name, blocks, raw_dtype=kinds[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def variants(folder: Path) -> dict[str, Path]:
    """The bundled model's transformer in every form, as single files under original names."""
    tensors = {
        original_name(name): tensor for name, tensor in load_file(open_model("tiny").transformer.files[0]).items()
    }
    forms: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {
        "float32": lambda all_: {name: tensor.float() for name, tensor in all_.items()},
        "bfloat16": dict,
        "float16": lambda all_: {name: tensor.half() for name, tensor in all_.items()},
        "fp8": fp8,
        "fp8, scaled": scaled_fp8,
    }
    made = {}
    for name, form in forms.items():
        made[name] = folder / f"df-{len(made)}.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in form(tensors).items()}, made[name])
    for kind in ("Q8_0", "Q5_1", "Q5_0", "Q4_0", "Q4_K"):
        made[f"GGUF {kind}"] = folder / f"df-{kind}.gguf"
        write_gguf(made[f"GGUF {kind}"], tensors, kind)
    return made


def films(model: Path, folder: Path) -> np.ndarray:
    pixels = []
    for number, prompt in enumerate(PROMPTS):
        output = folder / f"{model.name}-{number}.mkv"
        line = ["generate", prompt, "--model", str(model), "--base", "tiny", *FILM, "-o", str(output), "--overwrite"]
        assert skyreels(line) == 0
        pixels += list(read_frames(output))
    return np.stack(pixels).astype(np.float64)


def lost(folder: Path) -> dict[str, dict[str, float]]:
    files = variants(folder)
    exact = films(files["float32"], folder)
    result = {}
    for name, path in files.items():
        error = ((films(path, folder) - exact) ** 2).mean()
        spec = weights_spec(open_model(str(path), "tiny"), "bfloat16")
        result[name] = {
            "disk_bytes": path.stat().st_size,
            "loaded_bytes": spec.resident_bytes(spec.base.transformer),
            "psnr_db": round(float(10 * np.log10(255**2 / error)), 1) if error else None,
        }
        print(f"{name:12}", result[name], flush=True)
    return result


LOAD = {
    "this program": """
from skyreels_cli.hub.open import open_model
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.model.loading import load_transformer
spec = weights_spec(open_model(sys.argv[1]), "bfloat16")
begin()
model = load_transformer(spec, torch.device("cpu"))
""",
    "diffusers": """
from diffusers import SkyReelsV2Transformer3DModel
begin()
model = SkyReelsV2Transformer3DModel.from_pretrained(sys.argv[1] + "/transformer", torch_dtype=torch.bfloat16)
""",
}
MEASURE = """
import sys, time, torch
def status(key):
    return 1024 * int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(key)))
def begin():
    global started, before
    started, before = time.perf_counter(), status("VmRSS")
"""
TOUCH = """
loaded = time.perf_counter() - started
total = sum(int(p.detach().reshape(-1).view(torch.uint8)[::4096].max()) * 0 + p.nbytes for p in model.parameters())
print(loaded, time.perf_counter() - started, status("VmHWM") - before, int(total))
"""
"""Afterwards every page is read, so that the memory of weights that are only mapped is counted as well."""


def checkpoint(folder: Path) -> Path:
    """A DF model folder of the 1.3B shape with random bfloat16 weights, its other parts the bundled model's."""
    import shutil

    from diffusers import SkyReelsV2Transformer3DModel

    shutil.copytree(open_model("tiny").folder, folder, dirs_exist_ok=True)
    shutil.rmtree(folder / "transformer")
    with torch.device("meta"):
        model = SkyReelsV2Transformer3DModel(
            num_attention_heads=12, attention_head_dim=128, ffn_dim=8960, num_layers=30, inject_sample_info=True
        ).to(torch.bfloat16)
    model = model.to_empty(device="cpu")
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(folder / "transformer", max_shard_size="1GB")
    return folder


def loading(folder: Path, runs: int = 3) -> dict[str, Any]:
    model = checkpoint(folder)
    shards = [file.stat().st_size for file in (model / "transformer").glob("*.safetensors")]
    result: dict[str, Any] = {"bytes_on_disk": sum(shards), "largest_shard": max(shards)}
    measured: dict[str, list[tuple[float, ...]]] = {name: [] for name in LOAD}
    for _ in range(runs + 1):  # the first fills the page cache; both sides take turns, for the machine has other work
        for name, code in LOAD.items():
            ran = subprocess.run(
                [sys.executable, "-c", MEASURE + code + TOUCH, str(model)], capture_output=True, text=True, check=True
            )
            measured[name].append(tuple(map(float, ran.stdout.split()[-4:])))
    for name, runs_of_it in measured.items():
        seconds, touched, peak, stays = min(runs_of_it[1:])
        result[name] = {
            "seconds": round(seconds, 2),
            "seconds_until_read": round(touched, 2),
            "peak_bytes": int(peak),
            "stays_bytes": int(stays),
        }
        print(f"{name:12}", result[name], flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip-loading", action="store_true")
    asked = parser.parse_args()
    torch.manual_seed(0)
    machine = {"platform": platform.platform(), "cpus": os.cpu_count(), "torch": torch.__version__}
    versions = {name: version(name) for name in ("diffusers", "gguf", "safetensors")}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SKYREELS_HOME"] = scratch
        result: dict[str, Any] = {"when": datetime.now(UTC).isoformat(), "machine": {**machine, **versions}}
        result["lost"] = lost(Path(scratch))
        if not asked.skip_loading:
            result["loading"] = loading(Path(scratch) / "model")
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
