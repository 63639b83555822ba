"""Presets: how quickly they are listed, how long their codes are, what a hostile file costs.

    python tests/benchmarks/bench_presets.py [--rounds 15] [--json tests/benchmarks/results/bench_presets.json]

Processes are measured by the CPU they took (user and system) and the memory at its peak, as the system counts them;
`preset list` and `--help` in turns, so that both see the same machine.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins"), str(ROOT / "tests" / "recipe" / "sharing")]
os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])

from hostile import HOSTILE, write_hostile  # noqa: E402

from skyreels_cli.recipe.presets.find import list_presets  # noqa: E402
from skyreels_cli.recipe.sharing.code import to_code  # noqa: E402
from skyreels_cli.recipe.sharing.load import load  # noqa: E402

GOALS = {"list over help": 1.5, "hostile seconds": 1.0, "hostile megabytes": 200, "code characters": 2000}


def cost(words: list[str]) -> dict[str, float]:
    """Wall and CPU seconds, peak megabytes and exit code of `skyreels …`."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "skyreels_cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
        "exit": child.returncode,
    }


def listing(rounds: int) -> dict[str, Any]:
    """Medians of both commands, and their ratio."""
    words = {"help": ["--help"], "list": ["preset", "list"]}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in words}
    for _ in range(rounds + 1):
        for name, line in words.items():
            found[name].append(cost(line))
    medians = {
        name: {key: statistics.median(each[key] for each in runs[1:]) for key in ("wall_s", "cpu_s")}
        for name, runs in found.items()
    }
    ratios = {key: medians["list"][key] / medians["help"][key] for key in ("wall_s", "cpu_s")}
    return {**medians, "ratio": ratios, "presets": len(list_presets())}


def hostile(folder: Path) -> dict[str, Any]:
    """What importing each hostile file costs, start of the program included.

    Another process writes the files: a child's peak counts what its parent held when it was forked.
    """
    subprocess.run([sys.executable, __file__, "--write", str(folder)], check=True)
    found = {name: cost(["preset", "import", str(folder / name), "--no-input"]) for name in HOSTILE}
    assert {each["exit"] for each in found.values()} == {2}
    worst = {key: max(each[key] for each in found.values()) for key in ("wall_s", "cpu_s", "peak_mb")}
    slowest = max(found, key=lambda name: found[name]["cpu_s"])
    return {"files": len(found), "worst": worst, "slowest": slowest, "each": found}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="only write the hostile files")
    options = parser.parse_args()
    if options.write:
        for name in HOSTILE:
            write_hostile(name, options.write)
        return
    with tempfile.TemporaryDirectory() as home:
        os.environ["SKYREELS_HOME"] = home
        codes = {preset.name: len(to_code(load(preset.name).flat)) for preset in list_presets()}
        figures: dict[str, Any] = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"platform": platform.platform(), "python": platform.python_version(), "cpus": os.cpu_count()},
            "goals": GOALS,
            "listing": listing(options.rounds),
            "codes": {"longest": max(codes.values()), "characters": codes},
            "hostile": hostile(Path(home)),
        }
    summary = {**figures, "hostile": {key: figures["hostile"][key] for key in ("files", "worst", "slowest")}}
    print(json.dumps(summary, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
