"""The plan's memory figures against the peak resident set of films on the CPU, with random weights.

    python tests/benchmarks/bench_memory.py [--json FILE]

Models: the bundled one, and one with the transformer of DF-1.3B and the VAE of Wan 2.1 at their released sizes behind a
small text encoder. Each film is one step without guidance, in a process of its own. The estimate is the plan's peak
of the device with its host, as both are the same memory here.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROMPT = "a red circle moves to the right over a dark blue background"
GOLDEN = Path(__file__).parents[1] / "golden" / "model"


@dataclass(frozen=True)
class Setting:
    """One film."""

    model: str
    resolution: str
    frames: int
    dtype: str = "bfloat16"


SETTINGS = (
    Setting("tiny", "112x64", 33, "float32"),
    Setting("tiny", "224x128", 33, "float32"),
    Setting("tiny", "448x256", 33, "float32"),
    Setting("tiny", "448x256", 17, "bfloat16"),
    Setting("1.3b", "128x80", 5),
    Setting("1.3b", "192x112", 9),
    Setting("1.3b", "256x144", 5),
    Setting("1.3b", "320x192", 5),
    Setting("1.3b", "256x144", 17),
    Setting("1.3b", "128x80", 5, "float32"),
)


def make_model(folder: Path) -> None:
    """A DF-1.3B with random weights in bfloat16, whose texts come from the golden model's encoder."""
    import shutil

    import torch
    from diffusers import AutoencoderKLWan, SkyReelsV2Transformer3DModel

    shutil.copytree(GOLDEN, folder, ignore=shutil.ignore_patterns("transformer", "vae"))
    text_dim = json.loads((GOLDEN / "text_encoder" / "config.json").read_text())["d_model"]
    config = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30, "inject_sample_info": True}
    transformer = SkyReelsV2Transformer3DModel(text_dim=text_dim, **config).to(torch.bfloat16)
    transformer.save_pretrained(folder / "transformer")
    AutoencoderKLWan().save_pretrained(folder / "vae")


def measure(setting: Setting, folder: Path) -> dict[str, Any]:
    """The plan's figures and the film's peak, in bytes."""
    model = "tiny" if setting.model == "tiny" else str(folder)
    words = ["generate", PROMPT, "--model", model, "--resolution", setting.resolution]
    words += ["--num-frames", str(setting.frames), "--inference-steps", "1", "--guidance-scale", "1"]
    words += ["--dtype", setting.dtype, "--device", "cpu", "--seed", "1", "--base-num-frames", "97", "--json"]
    plan = run([*words, "--dry-run"])["estimates"]
    with tempfile.TemporaryDirectory() as outdir:
        peak = run([*words, "-o", f"{outdir}/film.mp4"])["peak_memory_bytes"]
    estimate = plan["memory"]["value"] + plan["host"]["value"]
    return {**asdict(setting), "estimate_bytes": estimate, "peak_bytes": peak, "ratio": round(estimate / peak, 3)}


def run(words: list[str]) -> dict[str, Any]:
    """The data of a command's envelope."""
    ran = subprocess.run([sys.executable, "-m", "skyreels_cli", *words], capture_output=True, text=True, check=False)
    envelope = json.loads(ran.stdout.splitlines()[-1])
    assert envelope["ok"], envelope["error"]
    data: dict[str, Any] = envelope["data"]
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=("tiny", "1.3b"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "random"
        settings = [setting for setting in SETTINGS if arguments.only in (None, setting.model)]
        if any(setting.model == "1.3b" for setting in settings):
            # In a child: a process begins with the peak of the one that it was forked from.
            child = multiprocessing.get_context("spawn").Process(target=make_model, args=(folder,))
            child.start()
            child.join()
        rows = []
        for setting in settings:
            rows.append(measure(setting, folder))
            print(rows[-1], flush=True)
    machine = {"platform": platform.platform(), "cpus": os.cpu_count(), "torch": version("torch")}
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "films": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
