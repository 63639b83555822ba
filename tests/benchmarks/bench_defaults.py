"""What `--dtype auto` chooses with the CPU's units and without AVX-512, against the best choice; and the estimate.

    python tests/benchmarks/bench_defaults.py [--frames 97] [--json results/bench_defaults.json]

For each level, in a process of its own: forwards of the bundled model in every dtype, alternating, medians; and the
README's first film by the command line, whose time (without loading) is compared with what its plan said before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROMPT = "a red circle moves to the right over a dark blue background"
LEVELS = {"all units": {}, "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
DTYPES = ("float32", "bfloat16")
RUNS = 15
GOAL = 1.1


def forwards() -> dict[str, float]:
    """Median seconds of a forward of the bundled model's first window, by dtype."""
    import torch

    from skyreels_cli.hub.open import open_model
    from skyreels_cli.hub.weights import weights_spec
    from skyreels_cli.model.loading import load_transformer
    from skyreels_cli.model.text_context import TextContext

    facts = open_model("tiny")
    latents, text = torch.randn(1, 16, 9, 8, 14), torch.randn(1, 512, facts.transformer.config["text_dim"])
    times = torch.full((1, 9), 500)
    models = {name: load_transformer(weights_spec(facts, name, "file", []), torch.device("cpu")) for name in DTYPES}
    taken: dict[str, list[float]] = {name: [] for name in DTYPES}
    with torch.inference_mode():
        for _ in range(RUNS + 1):
            for name, model in models.items():
                dtype = getattr(torch, name)
                started = time.perf_counter()
                model(latents.to(dtype), times, TextContext(text.to(dtype)))
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def first_film(frames: int, mask: dict[str, str]) -> dict[str, Any]:
    """The README's first command: what its plan says, and what it takes."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | mask | {"SKYREELS_HOME": home}
        command = [sys.executable, "-m", "skyreels_cli", "generate", PROMPT, "--seed", "1", "--num-frames", str(frames)]
        plan = _json([*command, "--dry-run", "--json"], environment)
        started = time.perf_counter()
        film = _json([*command, "--json", "-o", str(Path(home) / "film.mp4")], environment)
        wall = time.perf_counter() - started
    estimate, measured = plan["estimates"]["time"]["value"], film["elapsed_s"]
    return {
        "dtype": film["recipe"]["dtype"],
        "wall_s": round(wall, 1),
        "estimate_s": round(estimate, 1),
        "measured_s": round(measured, 1),
        "estimate_ratio": round(estimate / measured, 2),
    }


def _json(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    said = subprocess.run(command, capture_output=True, check=True, env=environment)
    data: dict[str, Any] = json.loads(said.stdout)["data"]
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=97)
    parser.add_argument("--forwards", action="store_true", help="only those, in this process")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.forwards:
        print(json.dumps(forwards()))
        return
    results = []
    for level, mask in LEVELS.items():
        command = [sys.executable, __file__, "--forwards"]
        said = subprocess.run(command, capture_output=True, check=True, env=os.environ | mask)
        seconds = json.loads(said.stdout)
        film = first_film(asked.frames, mask)
        ratio = round(seconds[film["dtype"]] / min(seconds.values()), 2)
        load = round(os.getloadavg()[0], 1)
        results.append({"level": level, "forward_s": seconds, "default_to_best": ratio, "load": load, **film})
        print(f"{level:10} {film['dtype']:9} default/best {ratio:.2f} (goal {GOAL})  {film}  load {load}", flush=True)
    if asked.json:
        asked.json.write_text(
            json.dumps(
                {"machine": platform.processor() or platform.machine(), "frames": asked.frames, "results": results},
                indent=1,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
