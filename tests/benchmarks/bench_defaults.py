"""What `--dtype auto` chooses with the CPU's units and without AVX-512, against the best choice; and the estimate.

    python tests/benchmarks/bench_defaults.py [--frames 97] [--level AVX2] [--film auto] [--json FILE]

For each level, in a process of its own: forwards of the bundled model in every dtype, alternating, medians; and the
README's first film by the command line, as it is and with every `--dtype`, with warm files. The time of the film as it
is (without loading) is compared with what its plan said before. Levels and films that are not asked for stay as they
are in the file.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROMPT = "a red circle moves to the right over a dark blue background"
LEVELS = {"all units": {}, "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
DTYPES = ("float32", "bfloat16")
RUNS = 15
FILMS = ("auto", *DTYPES)
GOAL, GOAL_SECONDS = 1.1, 45


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


def first_film(frames: int, mask: dict[str, str], dtype: str) -> dict[str, Any]:
    """The README's first command with a `--dtype`: what its plan says, and what it takes."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | mask | {"SKYREELS_HOME": home}
        words = ["generate", PROMPT, "--seed", "1", "--num-frames", str(frames), "--dtype", dtype]
        command = [sys.executable, "-m", "skyreels_cli", *words]
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
        "load": round(os.getloadavg()[0], 1),
    }


def _json(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    said = subprocess.run(command, capture_output=True, check=True, env=environment)
    data: dict[str, Any] = json.loads(said.stdout)["data"]
    return data


def level_figures(level: str, films: list[str], frames: int, known: dict[str, Any]) -> dict[str, Any]:
    """Forwards and films of a level; films that are not asked for are those that were `known`."""
    mask = LEVELS[level]
    said = subprocess.run(
        [sys.executable, __file__, "--forwards"], capture_output=True, check=True, env=os.environ | mask
    )
    seconds = json.loads(said.stdout)
    made = {**known.get("films", {}), **{dtype: first_film(frames, mask, dtype) for dtype in films}}
    found = {"forward_s": seconds, "films": made}
    if "auto" in made:
        found["forward_to_best"] = round(seconds[made["auto"]["dtype"]] / min(seconds.values()), 2)
        best = min(film["wall_s"] for dtype, film in made.items() if dtype != "auto" or len(made) == 1)
        found["film_to_best"] = round(made["auto"]["wall_s"] / best, 2)
    return found


def machine() -> dict[str, Any]:
    """What the figures hang on."""
    cpu = Path("/proc/cpuinfo")
    models = [line for line in cpu.read_text().splitlines() if line.startswith("model name")] if cpu.exists() else []
    name = models[0].partition(": ")[2] if models else platform.processor()
    return {"cpu": name, "cpus": os.cpu_count(), "platform": platform.platform(), "torch": version("torch")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=97)
    parser.add_argument("--level", action="append", choices=LEVELS)
    parser.add_argument("--film", action="append", choices=FILMS, help="by its --dtype")
    parser.add_argument("--forwards", action="store_true", help="only those, in this process")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.forwards:
        print(json.dumps(forwards()))
        return
    kept = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else {}
    results = kept.get("results", {}) if kept.get("frames") == asked.frames else {}
    for level in asked.level or LEVELS:
        found = level_figures(level, asked.film or list(FILMS), asked.frames, results.get(level, {}))
        results[level] = found
        print(f"{level} (goals: {GOAL} of the best, {GOAL_SECONDS} s): {json.dumps(found)}", flush=True)
    if asked.json:
        goals = {"to_best": GOAL, "film_s": GOAL_SECONDS}
        about = {"machine": machine(), "frames": asked.frames, "goals": goals, "results": results}
        asked.json.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
