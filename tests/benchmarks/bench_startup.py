"""How soon the program is at work: its imports, and the time from its start to a film's first step, before and after.

    python tests/benchmarks/bench_startup.py --before COMMIT [--runs 7] [--only CASE] [--json FILE]

The commit's program is unpacked elsewhere; it and the working tree's take turns, with warm files: the first run of each
does not count. The film is the README's first one; it is ended at its first step. Seconds of CPU are those of the
process and of those that it has started. Imports are timed in a process of their own, each from the statement that no
other import has caused to its end; `importtime` is what `python -X importtime` adds up to, which costs time itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import _bootstrap  # type: ignore[attr-defined]
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PROMPT = "a red circle moves to the right over a dark blue background"
FILM = ["generate", PROMPT, "--seed", "1", "--events"]
PROGRAM = ("skyreels_cli", "plugins", "presets")
LARGEST = 8
"""How many packages are named."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Way:
    """A checkout, and the folder of what the program remembers."""

    tree: Path
    home: Path

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[str]:
        """Begin `python …` with this checkout's program."""
        found = os.pathsep.join([str(self.tree), str(self.tree / "plugins")])
        environment = {**os.environ, "PYTHONPATH": found, "SKYREELS_HOME": str(self.home)}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, **streams}
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.home, env=environment, stdin=subprocess.DEVNULL, text=True, **streams
        )


def to_the_end(way: Way, *words: str) -> Figures:
    """Wall and CPU seconds of a command."""
    began = time.perf_counter()
    child = way.start("-m", "skyreels_cli", *words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{words} ended with {child.returncode}"
    return {"wall_s": time.perf_counter() - began, "cpu_s": used.ru_utime + used.ru_stime}


def to_first_step(way: Way) -> Figures:
    """Wall and CPU seconds from the start of `generate` to the end of the film's first step."""
    began = time.perf_counter()
    with _film(way, "-m", "skyreels_cli") as child:
        taken, used = time.perf_counter() - began, psutil.Process(child.pid).cpu_times()
    cpu = used.user + used.system + used.children_user + used.children_system
    return {"wall_s": taken, "cpu_s": cpu}


def imports(way: Way) -> Figures:
    """Wall and CPU seconds that the imports take which are done by then, without what stands between them."""
    with _film(way, __file__, "--time-imports") as child:
        child.send_signal(signal.SIGUSR1)
        assert child.stdout
        spent: Figures = json.loads(child.stdout.read().splitlines()[-1])
    return spent


def importtime(way: Way) -> Figures:
    """What `python -X importtime` adds up to: all of it, and the packages that take most."""
    told = way.home / "importtime.txt"
    with (
        told.open("w", encoding="utf-8") as stderr,
        _film(way, "-X", "importtime", "-m", "skyreels_cli", stderr=stderr),
    ):
        pass
    spent: Counter[str] = Counter()
    for line in told.read_text(encoding="utf-8").splitlines():
        microseconds, _, name = line.removeprefix("import time:").replace("|", " ").split(maxsplit=2)
        if line.startswith("import time:") and microseconds.isdigit():
            spent[name.strip().partition(".")[0]] += int(microseconds)
    return {"all": spent.total() / 1e6, **{name: taken / 1e6 for name, taken in spent.most_common()}}


CASES: dict[str, Callable[[Way], Figures]] = {
    "help": lambda way: to_the_end(way, "--help"),
    "dry-run": lambda way: to_the_end(way, *FILM, "--dry-run"),
    "first-step": to_first_step,
    "imports": imports,
    "importtime": importtime,
}


@contextmanager
def _film(way: Way, *program: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that makes a film and has just told of its first step; it is ended behind the block."""
    with tempfile.TemporaryDirectory() as folder:
        child = way.start(*program, *FILM, "-o", str(Path(folder) / "film.mp4"), **streams)
        try:
            assert child.stdout
            assert any(json.loads(line).get("event") == "step_done" for line in child.stdout), "it ended before a step"
            yield child
        finally:
            child.kill()
            child.wait()


def time_imports(words: list[str]) -> None:
    """Run the program, and tell on SIGUSR1 what its imports have taken."""
    spent, here, load = {"wall_s": 0.0, "cpu_s": 0.0}, threading.local(), _bootstrap._find_and_load

    def timed(*arguments: Any) -> Any:
        if getattr(here, "importing", False):
            return load(*arguments)
        here.importing, wall, cpu = True, time.perf_counter(), time.thread_time()
        try:
            return load(*arguments)
        finally:
            spent["wall_s"] += time.perf_counter() - wall
            spent["cpu_s"] += time.thread_time() - cpu
            here.importing = False

    def tell(*_: object) -> None:
        os.write(sys.stdout.fileno(), f"\n{json.dumps(spent)}\n".encode())
        os._exit(0)

    signal.signal(signal.SIGUSR1, tell)
    _bootstrap._find_and_load = timed
    from skyreels_cli.cli.main import main as program

    program(words)


def measured(ways: dict[str, Way], case: str, runs: int) -> dict[str, Any]:
    """Medians of every way, which take turns, and what is after in parts of what was before."""
    taken: dict[str, list[Figures]] = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, way in ways.items():
            taken[name].append(CASES[case](way))
    medians = {name: _medians(counted[1:]) for name, counted in taken.items()}
    ratios = {key: round(medians["after"][key] / medians["before"][key], 2) for key in _compared(medians["before"])}
    return {"runs": runs, **medians, "after over before": ratios}


def _medians(runs: list[Figures]) -> Figures:
    found = {key: round(statistics.median(run.get(key, 0.0) for run in runs), 3) for key in runs[0]}
    largest = sorted(found, key=lambda key: -found[key])[: LARGEST + 1]
    return {key: found[key] for key in largest}


def _compared(figures: Figures) -> list[str]:
    return [key for key in figures if key in ("wall_s", "cpu_s", "all")]


@contextmanager
def _programs(before: str) -> Iterator[dict[str, Way]]:
    """The program as it was at a commit, and as it is."""
    with tempfile.TemporaryDirectory() as folder:
        packed, tree = Path(folder) / "before.tar", Path(folder) / "before"
        subprocess.run(["git", "archive", "-o", str(packed), before, *PROGRAM], cwd=ROOT, check=True)
        shutil.unpack_archive(packed, tree)
        ways = {"before": Way(tree, Path(folder) / "home-before"), "after": Way(ROOT, Path(folder) / "home-after")}
        for way in ways.values():
            way.home.mkdir()
        yield ways


def machine() -> dict[str, Any]:
    """What the figures hang on."""
    cpu = Path("/proc/cpuinfo")
    models = [line for line in cpu.read_text().splitlines() if line.startswith("model name")] if cpu.exists() else []
    return {
        "cpu": models[0].partition(": ")[2] if models else platform.processor(),
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "diffusers", "transformers", "accelerate")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="HEAD~1", metavar="COMMIT")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", action="append", choices=CASES, help="these cases; others in the file stay")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    known = json.loads(asked.json.read_text()) if asked.json and asked.json.exists() else {}
    described = ["git", "describe", "--always", asked.before]
    name = subprocess.run(described, cwd=ROOT, capture_output=True, text=True, check=True)
    result = {"machine": machine(), "before": name.stdout.strip(), "cases": known.get("cases", {})}
    with _programs(asked.before) as ways:
        for case in asked.only or CASES:
            result["cases"][case] = found = measured(ways, case, asked.runs)
            print(f"{case}: {json.dumps(found)}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--time-imports"]:
        time_imports(sys.argv[2:])
    else:
        main()
