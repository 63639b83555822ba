"""How much of a model's files is read from the disk when one process, or several ranks, load it.

    python tests/benchmarks/bench_rank_reads.py [--ranks 1 2] [--json FILE]

A random DF-1.3B (2.9 GB and a VAE), none of it in the page cache at the start, makes a film of one step without
guidance on the CPU. What a process reads from the disk is its `read_bytes` as Linux counts them, seen last before it
ends; what it gets from the cache is not in it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from bench_memory import PROMPT, make_model

LOOK_SECONDS = 0.05


def forget(files: list[Path]) -> None:
    """Have the kernel drop what it keeps of files."""
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(folder: Path, ranks: int) -> dict[str, Any]:
    """Make the film; bytes of the weights, and bytes that its processes read."""
    weights = sorted(folder.rglob("*.safetensors"))
    forget(weights)
    words = ["generate", PROMPT, "--model", str(folder), "--resolution", "128x80", "--num-frames", "5", "--seed", "1"]
    words += ["--inference-steps", "1", "--guidance-scale", "1", "--device", "cpu", "--gpus", str(ranks), "-q"]
    with tempfile.TemporaryDirectory() as outdir:
        started = time.perf_counter()
        film = subprocess.Popen([sys.executable, "-m", "skyreels_cli", *words, "-o", f"{outdir}/film.mp4"])
        read = reads_of(film)
        seconds = time.perf_counter() - started
    assert film.returncode == 0
    size = sum(file.stat().st_size for file in weights)
    largest = sorted(read.values(), reverse=True)[: ranks + 1]
    ratio = round(sum(read.values()) / size, 3)
    return {"ranks": ranks, "weights_bytes": size, "read_bytes": largest, "ratio": ratio, "seconds": round(seconds, 1)}


def reads_of(film: subprocess.Popen[bytes]) -> dict[int, int]:
    """What a process and those that it has started read from the disk, by their numbers."""
    read: dict[int, int] = {}
    parent = psutil.Process(film.pid)
    while film.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    read[process.pid] = process.io_counters().read_bytes
        time.sleep(LOOK_SECONDS)
    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "random"
        child = multiprocessing.get_context("spawn").Process(target=make_model, args=(folder,))
        child.start()
        child.join()
        films = []
        for ranks in arguments.ranks:
            films.append(measure(folder, ranks))
            print(films[-1], flush=True)
    machine = {"platform": platform.platform(), "cpus": os.cpu_count(), "torch": version("torch")}
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "films": films}, indent=1) + "\n")


if __name__ == "__main__":
    main()
