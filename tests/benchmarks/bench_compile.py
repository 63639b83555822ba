"""What `--compile` gives on this machine's CPU: forwards of the layers as they are and compiled, alternating.

    python -m tests.benchmarks.bench_compile [--dtype bfloat16] [--runs 7] [--json FILE]

The model is the 4-layer cut of 1.3B of bench_forward.py, at the tokens of its window. Seconds of the first forward are
those of compiling, twice (`--compiling`): with nothing known, and in a second process, which finds what the first one
kept. With `--json` results are added to those in the file. On a machine that others use too wall times say little; with
OMP_NUM_THREADS=1 CPU times say what they would be alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from skyreels_cli.model import onednn
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer
from tests.benchmarks.bench_forward import CONFIG, HEIGHT, LATENTS, TOKENS, WIDTH, machine, make_models

BLOCK = 5
MODES = ("sync", "async", "causal")


class Window:
    """Inputs of a forward pass, the same for whoever computes it."""

    def __init__(self, dtype: torch.dtype) -> None:
        torch.manual_seed(1)
        self.latents = torch.randn(1, 16, LATENTS, HEIGHT // 8, WIDTH // 8).to(dtype)
        self.times = {"sync": torch.full((1, LATENTS), 613), "async": torch.linspace(999, 0, LATENTS).long()[None]}
        self.times["causal"] = self.times["async"]
        self.blocks = [(start, start + BLOCK) for start in range(0, LATENTS, BLOCK)]
        self.text = TextContext(torch.randn(1, 512, CONFIG["text_dim"]).to(dtype))

    def forward(self, model: Transformer, mode: str) -> Tensor:
        """The velocity."""
        causal = self.blocks if mode == "causal" else None
        return model(self.latents, self.times[mode], self.text, fps=24, causal_blocks=causal)


def two_models(dtype: torch.dtype) -> tuple[Transformer, Transformer]:
    """The same weights twice: as they are, and to be compiled."""
    _, plain = make_models(dtype)
    with torch.device("meta"):
        compiled = Transformer(**CONFIG).eval().requires_grad_(False)
    compiled.load_state_dict(plain.state_dict(), assign=True)
    compiled.rope, compiled.attention = plain.rope, plain.attention
    onednn.use_where_it_pays(compiled, torch.device("cpu"))
    compiled.compile_layers()
    return plain, compiled


def peak_bytes(window: Window, model: Transformer) -> int:
    """Most memory that one forward held at a time."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        window.forward(model, "async")
    sizes = [(e.start_ns(), e.nbytes()) for e in recorded.profiler.kineto_results.events() if e.name() == "[memory]"]
    return int(max(accumulate(size for _, size in sorted(sizes))))


@torch.inference_mode()
def first_forward(dtype: str) -> float:
    """Seconds of the first forward beyond the second one's."""
    window, (_, compiled) = Window(getattr(torch, dtype)), two_models(getattr(torch, dtype))
    first, second = seconds(window, compiled, "async"), seconds(window, compiled, "async")
    return first[0] - second[0]


def seconds(window: Window, model: Transformer, mode: str) -> tuple[float, float]:
    """Wall time and CPU time of one forward."""
    wall, cpu = time.perf_counter(), time.process_time()
    window.forward(model, mode)
    return time.perf_counter() - wall, time.process_time() - cpu


@torch.inference_mode()
def measure(dtype: str, runs: int, modes: Sequence[str]) -> dict[str, Any]:
    """Medians in each mode, the peaks, and how far both are apart."""
    window, (plain, compiled) = Window(getattr(torch, dtype)), two_models(getattr(torch, dtype))
    expected, found = window.forward(plain, "async"), window.forward(compiled, "async")
    said: dict[str, Any] = {
        "dtype": dtype,
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "difference": float((found - expected).abs().max() / expected.abs().max()),
        "plain_peak_bytes": peak_bytes(window, plain),
        "compiled_peak_bytes": peak_bytes(window, compiled),
    }
    for mode in modes:
        pairs = [(seconds(window, plain, mode), seconds(window, compiled, mode)) for _ in range(runs)]
        said[mode] = {}
        for index, kind in enumerate(("wall", "cpu")):
            before, after = (statistics.median(one[index] for one in taken) for taken in zip(*pairs, strict=True))
            said[mode][f"{kind}_plain_s"], said[mode][f"{kind}_compiled_s"] = round(before, 3), round(after, 3)
            said[mode][f"{kind}_ratio"] = round(after / before, 3)
        print(dtype, mode, said[mode], flush=True)
    return said


def compile_seconds(dtype: str) -> list[float]:
    """What compiling adds to the first forward, with nothing known and with what that kept."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
        command = [sys.executable, "-m", "tests.benchmarks.bench_compile", "--dtype", dtype, "--first"]
        ran = [subprocess.run(command, env=environment, capture_output=True, check=True) for _ in range(2)]
    return [round(float(one.stdout.split()[-1]), 1) for one in ran]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--mode", action="append", choices=MODES, help="only these")
    parser.add_argument("--compiling", action="store_true", help="only seconds of compiling")
    parser.add_argument("--first", action="store_true", help="only seconds of compiling, in this process")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.first:
        print(first_forward(asked.dtype))
        return
    said = (
        {"dtype": asked.dtype, "compiling_s": compile_seconds(asked.dtype)}
        if asked.compiling
        else measure(asked.dtype, asked.runs, asked.mode or MODES)
    )
    print(said)
    if asked.json:
        before = json.loads(asked.json.read_text())["results"] if asked.json.exists() else []
        same = next((one for one in before if one["dtype"] == asked.dtype), {})
        results = [*(one for one in before if one is not same), {**same, **said}]
        setup = {"model": CONFIG, "tokens": TOKENS, "runs": asked.runs}
        asked.json.write_text(json.dumps({"machine": machine(), "setup": setup, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
