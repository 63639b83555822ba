"""How much of a model's files is read from the disk when one process, or several ranks, load it.

    python tests/benchmarks/bench_rank_reads.py [--ranks 1 2] [--json FILE]

A random DF-1.3B (2.9 GB and a VAE), none of it in the page cache at the start, makes a film of one step without
guidance on the CPU. What it reads from the disk are the input blocks of its process and of those that it has started,
as Linux counts them; what they get from the cache is not in it.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench_memory import PROMPT, make_model

BLOCK = 512
"""Bytes of a block that getrusage counts."""


def forget(files: list[Path]) -> None:
    """Have the kernel drop what it keeps of files."""
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(folder: Path, ranks: int) -> dict[str, Any]:
    """Make the film; bytes of the weights, and bytes that its processes read from the disk."""
    weights = sorted(folder.rglob("*.safetensors"))
    forget(weights)
    words = ["generate", PROMPT, "--model", str(folder), "--resolution", "128x80", "--num-frames", "5", "--seed", "1"]
    words += ["--inference-steps", "1", "--guidance-scale", "1", "--device", "cpu", "--gpus", str(ranks), "-q"]
    with tempfile.TemporaryDirectory() as outdir:
        started = time.perf_counter()
        film = subprocess.Popen([sys.executable, "-m", "skyreels_cli", *words, "-o", f"{outdir}/film.mp4"])
        _, status, used = os.wait4(film.pid, 0)
        seconds = time.perf_counter() - started
    assert status == 0
    size, read = sum(file.stat().st_size for file in weights), used.ru_inblock * BLOCK
    return {
        "ranks": ranks,
        "weights_bytes": size,
        "read_bytes": read,
        "ratio": round(read / size, 3),
        "seconds": round(seconds, 1),
    }


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
