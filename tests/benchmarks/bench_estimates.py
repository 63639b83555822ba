"""The time that `--dry-run` says a film takes, against what it then takes: on a new machine, and on one that knows.

    python -m tests.benchmarks.bench_estimates [--random FOLDER] [--only NAME] [--cpu] [--json FILE]

Each film is planned in an empty home, where a short calibration is all that is known, rendered, planned anew and
rendered with another seed. What it takes is the film's own count, from its beginning to its name: loading, texts,
steps, decoding, joining; the command's wall time, which adds the start of Python, is given too. The model `1.3b` has
the released sizes of transformer and VAE, random weights, and a small text encoder; it is made in `--random FOLDER`
where it is not there yet. With `--json` films are added to those in the file.

On a machine that others use too, `--cpu` measures the first film alone, in this process, whose clock is its CPU time,
with one thread: calibration and film as they would be alone.
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
from dataclasses import asdict, dataclass
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
    words = ["generate", PROMPT, "--model", model_of(film, folder), *film.options.split(), "--json"]
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


def measure_cpu(film: Film, folder: Path) -> dict[str, Any]:
    """The parts of the estimate and of the film in CPU seconds of this process."""
    time.perf_counter = time.process_time
    os.environ |= {"SKYREELS_HOME": tempfile.mkdtemp(), "SKYREELS_CALIBRATE": "false"}
    import torch

    from skyreels_cli.film.placement import Placement
    from skyreels_cli.film.render import render
    from skyreels_cli.film.rendering import Rendering
    from skyreels_cli.hub.open import open_model
    from skyreels_cli.model import calibration
    from skyreels_cli.plan.compute import Speed, denoise_flops, preparing_seconds, vae_flops
    from skyreels_cli.plan.planner import make_plan
    from skyreels_cli.plan.speed import FilmShape
    from skyreels_cli.recipe.complete import complete
    from skyreels_cli.recipe.validate import make_draft

    torch.set_num_threads(1)
    words = film.options.split()
    said = {name[2:].replace("-", "_"): word for name, word in zip(words[::2], words[1::2], strict=True)}
    facts = open_model(model_of(film, folder))
    recipe = complete(make_draft({"prompt": PROMPT, "seed": 0, **said}), facts)
    plan = make_plan(recipe, facts)
    shape = asdict(FilmShape.of(recipe, facts, plan))
    found = calibration.main({"device": "cpu", "dtype": None, "shape": shape})
    recipe, speed = recipe.model_copy(update={"dtype": found["dtype"]}), Speed(found["transformer"], found["vae"], "")
    estimate = {
        "preparing": preparing_seconds(recipe, facts, speed),
        "steps": denoise_flops(recipe, facts, plan.windows) / speed.transformer,
        "rest": plan.windows.total(lambda window: vae_flops(recipe, facts, window)) / speed.vae,
    }
    output, place = Path(os.environ["SKYREELS_HOME"]) / "film.mp4", Placement(device="cpu")
    rendering = Rendering(recipe=recipe, facts=facts, plan=plan, placement=place, output=output)
    steps = windows = elapsed = 0.0
    for event in render(rendering):
        told = event.to_dict()
        steps += told["seconds"] if told["event"] == "step_done" else 0.0
        windows += told["seconds"] if told["event"] == "window_done" else 0.0
        elapsed = told.get("elapsed_s", elapsed)
    took = {"preparing": elapsed - windows, "steps": steps, "rest": windows - steps}
    seconds = sum(estimate.values())
    return {
        "film": film.name,
        "options": film.options,
        "cpu": {
            "estimate_s": round(seconds, 2),
            "film_s": round(elapsed, 2),
            "ratio": round(seconds / elapsed, 2),
            "dtype": recipe.dtype,
            "estimate": {name: round(value, 2) for name, value in estimate.items()},
            "took": {name: round(value, 2) for name, value in took.items()},
        },
    }


def model_of(film: Film, folder: Path) -> str:
    """What `--model` is given."""
    return {"golden": str(GOLDEN), "1.3b": str(folder)}.get(film.model, film.model)


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
    """Add what was measured to what is in the file."""
    before = {film["film"]: film for film in json.loads(file.read_text())["films"]} if file.exists() else {}
    known = before | {film["film"]: before.get(film["film"], {}) | film for film in films}
    films = [known[film.name] for film in FILMS if film.name in known]
    file.write_text(json.dumps({"machine": machine(), "goal": GOAL, "films": films}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=Path)
    parser.add_argument("--only", help="films whose names begin so")
    parser.add_argument("--cpu", action="store_true", help="CPU time of one thread, new machines only")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    films = [film for film in FILMS if film.name.startswith(asked.only or "")]
    if asked.random is None:
        films = [film for film in films if film.model != "1.3b"]
    elif not asked.random.exists():
        make_model(asked.random)
    for film in films:
        measured = (measure_cpu if asked.cpu else measure)(film, asked.random or Path())
        print(measured, flush=True)
        if asked.json:
            write(asked.json, [measured])


if __name__ == "__main__":
    main()
