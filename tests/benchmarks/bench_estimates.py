"""The time that `--dry-run` says a film takes, against what it then takes: on a new machine, and on one that knows.

    python -m tests.benchmarks.bench_estimates [--random FOLDER] [--only NAME] [--json FILE]

Each film is planned in an empty home, where a short calibration is all that is known, rendered, planned anew and
rendered with another seed. What it takes is the film's own count, from its beginning to its name: loading, texts,
steps, decoding, joining; the command's wall time, which adds the start of Python, is given too. The model `1.3b` has
the released sizes of transformer and VAE, random weights, and a small text encoder; it is made in `--random FOLDER`
where it is not there yet. With `--json` films are added to those in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_memory import GOLDEN, PROMPT, make_model

GOAL = 1.5


@dataclass(frozen=True)
class Film:
    """A name for the table, the model and what else is typed."""

    name: str
    model: str
    options: str


FILMS = (
    Film("tiny, one window", "tiny", "--num-frames 33"),
    Film("tiny, 3 windows", "tiny", "--num-frames 65 --base-num-frames 33 --overlap-history 17"),
    Film("tiny, 224x128", "tiny", "--num-frames 17 --resolution 224x128 --inference-steps 10"),
    Film("golden, one window", "golden", "--num-frames 33 --resolution 192x128"),
    Film("golden, 5 windows", "golden", "--resolution 96x64 --num-frames 65 --base-num-frames 17 --overlap-history 5"),
    Film("1.3b, 192x112", "1.3b", "--num-frames 9 --resolution 192x112 --inference-steps 2"),
    Film("1.3b, 128x80, long", "1.3b", "--num-frames 17 --resolution 128x80 --inference-steps 3"),
)


def measure(film: Film, folder: Path) -> dict[str, Any]:
    """Both plans and both films."""
    model = {"golden": str(GOLDEN), "1.3b": str(folder)}.get(film.model, film.model)
    words = ["generate", PROMPT, "--model", model, *film.options.split(), "--json"]
    measured: dict[str, Any] = {"film": film.name, "options": film.options}
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"SKYREELS_HOME": home}
        for seed, known in enumerate(("new", "known")):
            plan = data_of([*words, "--seed", str(seed), "--dry-run"], environment)
            started = time.perf_counter()
            done = data_of([*words, "--seed", str(seed), "-o", f"{home}/film{seed}.mp4"], environment)
            wall = time.perf_counter() - started
            estimate = plan["estimates"]["time"]
            measured[known] = {
                "estimate_s": round(estimate["value"], 2),
                "film_s": round(done["elapsed_s"], 2),
                "command_s": round(wall, 2),
                "ratio": round(estimate["value"] / done["elapsed_s"], 2),
                "basis": estimate["basis"],
                "dtype": done["recipe"]["dtype"],
            }
    return measured


def data_of(words: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """The data of a command's envelope."""
    command = [sys.executable, "-m", "skyreels_cli", *words]
    said = subprocess.run(command, capture_output=True, env=environment, check=True)
    data: dict[str, Any] = json.loads(said.stdout)["data"]
    return data


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {"platform": platform.platform(), "cpus": os.cpu_count(), "torch": version("torch")}


def write(file: Path, films: list[dict[str, Any]]) -> None:
    """Add films to those in the file, in place of those of the same name."""
    before = json.loads(file.read_text())["films"] if file.exists() else []
    names = [film["film"] for film in films]
    films = [film for film in before if film["film"] not in names] + films
    order = [film.name for film in FILMS]
    films.sort(key=lambda film: order.index(film["film"]))
    file.write_text(json.dumps({"machine": machine(), "goal": GOAL, "films": films}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=Path)
    parser.add_argument("--only", help="films whose names begin so")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    films = [film for film in FILMS if film.name.startswith(asked.only or "")]
    if asked.random is None:
        films = [film for film in films if film.model != "1.3b"]
    elif not asked.random.exists():
        make_model(asked.random)
    rows = []
    for film in films:
        rows.append(measure(film, asked.random or Path()))
        for known in ("new", "known"):
            print(
                film.name,
                known,
                {name: value for name, value in rows[-1][known].items() if name != "basis"},
                flush=True,
            )
    if asked.json:
        write(asked.json, rows)


if __name__ == "__main__":
    main()
