"""The time left that is shown while a film is rendered, against what it then took.

    python tests/benchmarks/bench_time_left.py [--json FILE] [--table FILE]

Each film is planned by the command line and rendered in this process. Its events are then played once more to the
program's own estimate, on their own clock, and from a quarter of the film's time on the time left is read 50 times. The
first film of a shape knows this machine's speed by a calibration of some seconds, those that come later by the film
before.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skyreels_cli.cli.main import main as main_of_skyreels
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.render import render as render_film
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.time_left import TimeLeft
from skyreels_cli.film.waits import known_waits, remember_waits, waits_key
from skyreels_cli.order.intake import take_up
from skyreels_cli.plan.work import FilmWork
from skyreels_cli.recipe.schema import Recipe

PROMPT = "a red circle moves to the right over a dark blue background"
GOLDEN = str(Path(__file__).parents[1] / "golden" / "model")
LOOKS = 50
NEAR = 0.25
GOAL = 0.9


@dataclass(frozen=True)
class Film:
    """A name for the table, and what is typed."""

    name: str
    options: str

    @property
    def command(self) -> list[str]:
        """The options of `generate`."""
        return self.options.replace("golden", GOLDEN).split()


LONG = "--base-num-frames 33 --overlap-history 17"
SMALL = "--model golden --resolution 96x64 --base-num-frames 17 --overlap-history 5"
FILMS = (
    Film("tiny, one window", "--model tiny --num-frames 33"),
    Film("tiny, one window again", "--model tiny --num-frames 33 --seed 2"),
    Film("tiny, one short window", "--model tiny --num-frames 17"),
    Film("tiny, few steps", "--model tiny --num-frames 33 --inference-steps 8"),
    Film("tiny, many steps", "--model tiny --num-frames 33 --inference-steps 60"),
    Film("tiny, 3 windows", f"--model tiny --num-frames 65 {LONG}"),
    Film("tiny, 5 windows", f"--model tiny --num-frames 97 {LONG}"),
    Film("tiny, a short last window", f"--model tiny --num-frames 53 {LONG}"),
    Film("tiny, async", f"--model tiny --num-frames 65 {LONG} --ar-step 2 --causal-block-size 1"),
    Film("tiny, latents joined", f"--model tiny --num-frames 65 {LONG} --join latents"),
    Film("tiny, teacache", f"--model tiny --num-frames 65 {LONG} --cache teacache"),
    Film("tiny, 224x128", "--model tiny --num-frames 17 --resolution 224x128"),
    Film("tiny, 224x128, 3 windows", f"--model tiny --num-frames 65 {LONG} --resolution 224x128"),
    Film("tiny, without guidance", "--model tiny --num-frames 33 --guidance-scale 1"),
    Film("golden, one window", f"{SMALL} --num-frames 17 --inference-steps 100"),
    Film("golden, 5 windows", f"{SMALL} --num-frames 65 --inference-steps 60"),
    Film("golden, 9 windows", f"{SMALL} --num-frames 113"),
    Film("golden, async", f"{SMALL} --num-frames 65 --ar-step 3 --causal-block-size 1 --inference-steps 60"),
    Film("golden, 192x128", "--model golden --resolution 192x128 --num-frames 33 --inference-steps 50"),
    Film("golden, lossless", f"{SMALL} --num-frames 65 --codec ffv1 --inference-steps 60"),
)


def render(rendering: Rendering) -> list[dict[str, Any]]:
    """The events of a film."""
    return [event.to_dict() for event in render_film(rendering)]


def looks(events: list[dict[str, Any]], left: TimeLeft, clock: list[float]) -> Iterator[tuple[float, float]]:
    """What was left, and what was said to be left, from a quarter of the film on."""
    begin, end = events[0]["time"], events[-1]["time"]
    times = [begin + (end - begin) * (0.25 + 0.75 * look / LOOKS) for look in range(LOOKS)]
    for event in events:
        while times and times[0] < event["time"]:
            clock[0] = times.pop(0)
            said = left.film_left
            yield end - clock[0], float("nan") if said is None else said
        clock[0] = event["time"]
        left.take(event)


def measure(film: Film, folder: Path) -> dict[str, Any]:
    """One film: seconds, and the share of looks that were near enough."""
    rendering = planned(film, folder)
    plan, speed = rendering.plan, rendering.speed
    key = waits_key(rendering.recipe, rendering.facts, rendering.placement)
    events = render(rendering)
    clock = [events[0]["time"]]
    left = TimeLeft(FilmWork.of(rendering.recipe, rendering.facts, plan, speed), known_waits(key), lambda: clock[0])
    seen = list(looks(events, left, clock))
    remember_waits(key, left.measured)
    near = [abs(said - took) <= NEAR * took for took, said in seen]
    return {
        "film": film.name,
        "options": film.options,
        "windows": plan.count,
        "seconds": round(events[-1]["time"] - events[0]["time"], 2),
        "speed": speed.basis if speed else "an assumption",
        "near": sum(near),
        "looks": len(near),
    }


def planned(film: Film, folder: Path) -> Rendering:
    """The film as it is planned, which calibrates the machine if that has not been done."""
    said = io.StringIO()
    with redirect_stdout(said):
        main_of_skyreels(["--json", "generate", PROMPT, *film.command, "--dry-run"])
    recipe = Recipe.model_validate(json.loads(said.getvalue())["data"]["recipe"])
    output = folder / f"film-{len(list(folder.glob('film-*')))}.{'mkv' if recipe.codec == 'ffv1' else 'mp4'}"
    return take_up(recipe, Placement(), output)


def machine() -> dict[str, Any]:
    """What it ran on."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
    }


def table(films: list[dict[str, Any]]) -> str:
    """The films as a table in Markdown."""
    lines = ["| film | windows | seconds | speed known by | near enough |", "| --- | --- | --- | --- | --- |"]
    for film in films:
        share = f"{film['near']} of {film['looks']}"
        lines.append(f"| {film['film']} | {film['windows']} | {film['seconds']} | {film['speed']} | {share} |")
    near, total = (sum(film[name] for film in films) for name in ("near", "looks"))
    lines.append(f"| all | | | | {near} of {total}: {near / total:.1%} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path)
    asked = parser.parse_args()
    films = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SKYREELS_HOME"] = folder
        for film in FILMS:
            films.append(measure(film, Path(folder)))
            print(films[-1], flush=True)
    print(table(films))
    if asked.table:
        asked.table.write_text(table(films), encoding="utf-8")
    if asked.json:
        goal = {"near": NEAR, "share": GOAL, "from": 0.25}
        asked.json.write_text(json.dumps({"machine": machine(), "goal": goal, "films": films}, indent=1) + "\n")


if __name__ == "__main__":
    main()
