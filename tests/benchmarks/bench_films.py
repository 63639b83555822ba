"""How long `skyreels films list` takes with 10,000 films, after the program is imported.

    python tests/benchmarks/bench_films.py [--films 10000] [--json results/bench_films.json]

The films are files of a few bytes, each with the file beside it that a film of five windows has. Taken is the time of
the command as `main` runs it, in a process of its own for each run, once with an empty cache and five times after.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOAL = 0.5
RUNS = 5
TIMED = """
import sys, time
started = time.perf_counter()
import skyreels_cli.cli.main, skyreels_cli.settings, skyreels_cli.film.index.search, skyreels_cli.queue.film_places
import rich.table, rich.console
imported = time.perf_counter()
status = skyreels_cli.cli.main.main(["films", "list", *sys.argv[1:]])
print(imported - started, time.perf_counter() - imported, status, file=sys.stderr)
"""
WINDOW = {"window": 1, "count": 1, "first_frame": 0, "frames": 33, "blocks": [1] * 9, "rows": 30, "tokens": 252}


def make_films(folder: Path, count: int) -> None:
    """Films with prompts of their own."""
    for number in range(count):
        name = folder / f"20260101-{number:06}_film_{number}.mp4"
        name.write_bytes(b"video")
        recipe = {"prompt": f"a red ball, number {number}", "model": "df-1.3b-540p", "seed": number}
        recipe |= {"resolution": "960x544", "num_frames": 257, "fps": 24}
        result = {
            "frames": 257,
            "width": 960,
            "height": 544,
            "windows": 3,
            "elapsed_s": 83.0,
            "finished_at": 1e9 + number,
        }
        made = {"skyreels": 1, "recipe": recipe, "plan": {"windows": [WINDOW] * 5}, "result": result}
        name.with_name(f"{name.name}.json").write_text(json.dumps(made, indent=1))


def timed(folder: Path, home: Path, *args: str) -> tuple[float, float]:
    """Seconds of importing and of the command."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    environment = {**os.environ, "PYTHONPATH": paths, "SKYREELS_HOME": str(home)}
    line = [sys.executable, "-c", TIMED, *args]
    ran = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    imported, took, status = ran.stderr.splitlines()[-1].split()
    assert status == "0", ran.stderr
    return float(imported), float(took)


def measure(count: int) -> dict[str, object]:
    """Seconds of the first list, of lists after it, and of filtered ones."""
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place) / "films", Path(place) / "home"
        folder.mkdir()
        make_films(folder, count)
        _, first = timed(folder, home)
        runs = [timed(folder, home) for _ in range(RUNS)]
        words = [timed(folder, home, "--text", "number 77")[1] for _ in range(RUNS)]
        shutil.rmtree(home)
    return {
        "films": count,
        "import_s": statistics.median(imported for imported, _ in runs),
        "first_list_s": first,
        "list_s": statistics.median(took for _, took in runs),
        "list_slowest_s": max(took for _, took in runs),
        "list_by_text_s": statistics.median(words),
        "goal_s": GOAL,
        "machine": f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = measure(args.films)
    for name, value in result.items():
        print(f"{name:<16} {value:.3f}" if isinstance(value, float) else f"{name:<16} {value}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
