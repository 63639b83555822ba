"""The queue: how soon a job starts once it is claimed, how long a claim takes, how quickly the list is read.

    python tests/benchmarks/bench_queue.py [--rounds 3] [--json results/bench_queue.json]

Starts are measured with the real renderer and the golden model on the CPU: in each round a fresh one gets four jobs
with prompts of their own; the first loads torch, the text encoder, the transformer and the VAE, and has the other three
prompts encoded as well. Taken is the wall time from the claim to the end of the first step.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]
os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])

from skyreels_cli.hub.open import open_model  # noqa: E402
from skyreels_cli.plan.dry_run import plan_data  # noqa: E402
from skyreels_cli.plan.planner import make_plan  # noqa: E402
from skyreels_cli.queue.executors import find_executor  # noqa: E402
from skyreels_cli.queue.job import NewJob  # noqa: E402
from skyreels_cli.queue.store import Store  # noqa: E402
from skyreels_cli.queue.supervisor import StopSignals, Supervisor  # noqa: E402
from skyreels_cli.queue.worker_config import WorkerConfig  # noqa: E402
from skyreels_cli.recipe.complete import complete  # noqa: E402
from skyreels_cli.recipe.schema import Draft  # noqa: E402

GOAL = 5.0
JOBS_PER_ROUND = 4
CLAIMED, LISTED = 2000, 10_000


def new_job(number: int, folder: Path) -> NewJob:
    """A film of 17 frames in 2 steps."""
    facts = open_model(str(ROOT / "tests" / "golden" / "model"))
    said = {"prompt": f"ball number {number}", "model": facts.name, "resolution": "80x48", "num_frames": 17}
    draft = Draft.model_validate({**said, "inference_steps": 2, "dtype": "float32", "seed": number})
    recipe = complete(draft, facts)
    return NewJob(
        draft=draft.model_dump(mode="json", by_alias=True, exclude_none=True),
        recipe=recipe.model_dump(mode="json", by_alias=True),
        plan=plan_data(make_plan(recipe, facts)),
        output=folder / f"{number}.mp4",
    )


def starts(rounds: int) -> dict[str, Any]:
    """Seconds from claim to first step, of a renderer's first job and of its later ones."""
    cold, warm = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            first, *later = _one_round(Path(folder))
        cold.append(first)
        warm += later
    return {
        "cold_s": statistics.median(cold),
        "warm_s": statistics.median(warm),
        "ratio": statistics.median(cold) / statistics.median(warm),
        "goal": GOAL,
        "all_cold_s": cold,
        "all_warm_s": warm,
    }


def _one_round(folder: Path) -> list[float]:
    store = Store(folder / "queue")
    for number in range(JOBS_PER_ROUND):
        store.add(new_job(number, folder))
    claimed: dict[int, float] = {}
    begun: dict[int, float] = {}

    def listen(event: Mapping[str, Any]) -> None:
        if event["event"] == "job_claimed":
            claimed[event["job"]] = time.perf_counter()
        elif event["event"] == "step_done":
            begun.setdefault(event["job"], time.perf_counter())

    habits = WorkerConfig({"device": "cpu", "offload": "none", "attention": "auto", "gpus": 1})
    supervisor = Supervisor(store, [habits], find_executor("local", {}), listen)
    supervisor.run(StopSignals(), once=True)
    assert supervisor.ended == {"succeeded": JOBS_PER_ROUND}
    return [begun[job] - claimed[job] for job in sorted(claimed)]


def filled(folder: Path, jobs: int) -> Store:
    """A store with many jobs, written in one transaction."""
    store, new = Store(folder / "queue"), new_job(0, folder)
    with store.database.write() as connection:
        for number in range(jobs):
            each = replace(new, priority=number % 3, recipe={**new.recipe, "prompt": f"ball number {number}"})
            store.insert(connection, each, each.draft, folder / f"{number}.mp4")
    return store


def claims(processes: int) -> dict[str, Any]:
    """Milliseconds that a claim takes while so many processes claim as quickly as they can."""
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder), CLAIMED)
        command = [sys.executable, str(ROOT / "tests" / "crash" / "queue_claimer.py"), str(store.folder)]
        claimers = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(processes)]
        for claimer in claimers:
            assert claimer.stdout
            claimer.stdout.readline()
        began = time.perf_counter()
        for claimer in claimers:
            assert claimer.stdin
            print("go", file=claimer.stdin, flush=True)
        lines = [line.split() for claimer in claimers for line in claimer.communicate()[0].splitlines()]
        wall = time.perf_counter() - began
    assert sorted(int(number) for number, _ in lines) == list(range(1, CLAIMED + 1))
    times = sorted(1e3 * float(seconds) for _, seconds in lines)
    p50, p99 = (times[int(share * len(times))] for share in (0.5, 0.99))
    return {"processes": processes, "jobs": CLAIMED, "p50_ms": p50, "p99_ms": p99, "wall_s": wall}


def reads() -> dict[str, float]:
    """Milliseconds of CPU at the median for what a dashboard reads, with 10,000 jobs."""
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder), LISTED)
        revision = store.changes(0).revision
        looks: dict[str, Callable[[], object]] = {
            "all jobs": store.jobs,
            "a page of 100": lambda: store.jobs(limit=100),
            "a page of 100, by prompt": lambda: store.jobs(sort="prompt", limit=100),
            "100 that match": lambda: store.jobs(text="number 99", limit=100),
            "one job whole": lambda: store.job(5000),
            "nothing has changed": lambda: store.changes(revision),
            "data_version": store.database.data_version,
        }
        return {name: _median_ms(look) for name, look in looks.items()}


def _median_ms(look: Callable[[], object], times: int = 15) -> float:
    taken = []
    for _ in range(times):
        began = time.process_time()
        look()
        taken.append(1e3 * (time.process_time() - began))
    return statistics.median(taken)


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = {
        "machine": machine(),
        "claims": [claims(processes) for processes in (1, 8)],
        "reads_cpu_ms": reads(),
        "starts": starts(asked.rounds),
    }
    for claim in found["claims"]:
        print("claim, {processes} processes: {p50_ms:.1f} ms at the median, {p99_ms:.1f} ms at p99".format(**claim))
    for name, taken in found["reads_cpu_ms"].items():
        print(f"{LISTED} jobs, {name}: {taken:.2f} ms of CPU")
    print(
        "first step {cold_s:.2f} s after a cold claim, {warm_s:.2f} s after a warm one: {ratio:.1f}×".format(
            **found["starts"]
        )
    )
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
