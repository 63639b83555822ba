"""Encoding and joining by PyAV, beside FFmpeg's program fed through a pipe and its concat demuxer, in the same run.

    python -m tests.benchmarks.bench_media [--runs 5] [--json tests/benchmarks/results/bench_media.json]

Encoding: 97 frames of 960x544, as windows come, with the same options on both sides, alternating. Joining: pieces of 25
such frames (h264, mp4), 125 to 1,000 of them; each join in a process of its own, whose peak memory is reported. Where
others use the machine too, seconds of CPU (of this process and of the program) say more than frames a second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from skyreels_cli.media.codecs import ENCODERS, film_coding, library_version
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.join import join_pieces, piece_suffix
from tests.second_reader import QUIET, Frames

WIDTH, HEIGHT, FRAMES, FPS = 960, 544, 97, 24
COUNTS = (125, 250, 500, 1000)


def film(frames: int) -> Frames:
    """Smooth colours that move, under a little grain that moves too."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    grain = np.random.default_rng(0).integers(0, 8, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    made = []
    for n in range(frames):
        channels = (np.sin(x / 90 + n / 5), np.cos(y / 70 - n / 6), np.sin((x + y) / 110))
        smooth = np.stack([128 + 100 * channel for channel in channels], axis=-1).astype(np.uint8)
        made.append(smooth // 2 + np.roll(grain, n * 3, 0))
    return np.stack(made)


def by_pyav(frames: Frames, path: Path, codec: str) -> None:
    """As the program does."""
    with VideoEncoder(path, width=WIDTH, height=HEIGHT, fps=FPS, coding=film_coding(codec, 7)) as encoder:
        encoder.write(frames)


def by_pipe(frames: Frames, path: Path, codec: str) -> None:
    """As the program did before: raw frames into ffmpeg's program."""
    coding = film_coding(codec, 7)
    options = [part for name, value in coding.options.items() for part in (f"-{name}", value)]
    filters = ",".join((*coding.filters, "setparams=range=tv:colorspace=bt709") if codec != "ffv1" else coding.filters)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-framerate", str(FPS), "-i", "pipe:0"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *QUIET, *source, "-vf", filters, "-c:v", ENCODERS[codec], *options]
    subprocess.run([*command, "-y", str(path)], input=frames.tobytes(), check=True, env=os.environ | {"SVT_LOG": "1"})


def measure_encoding(runs: int, folder: Path) -> dict[str, Any]:
    """Frames a second of both sides for every codec, and the ratio pair by pair."""
    frames, result = film(FRAMES), {}
    sides: dict[str, Callable[[Frames, Path, str], None]] = {"pyav": by_pyav, "pipe": by_pipe}
    for codec in ENCODERS:
        rates: dict[str, list[float]] = {name: [] for name in sides}
        cpu: dict[str, list[float]] = {name: [] for name in sides}
        for run in range(runs + 1):  # the first is a warm-up
            for name in sides if run % 2 else reversed(sides):
                path = folder / f"{name}{piece_suffix(codec)}"
                started, worked = time.perf_counter(), sum(os.times()[:4])
                sides[name](frames, path, codec)
                if run:
                    rates[name].append(len(frames) / (time.perf_counter() - started))
                    cpu[name].append(sum(os.times()[:4]) - worked)
        ratios = [a / b for a, b in zip(rates["pyav"], rates["pipe"], strict=True)]
        medians = {name: round(statistics.median(values), 1) for name, values in rates.items()}
        work = {name: round(statistics.median(values), 2) for name, values in cpu.items()}
        spread = [round(f(ratios), 3) for f in (statistics.median, min, max)]
        result[codec] = {**medians, "ratio": spread, "cpu_seconds": work}
        print(codec, result[codec], flush=True)
    return result


def join_once(side: str, count: int, folder: Path) -> dict[str, Any]:
    """One join, in this process; seconds, and the most memory that it (or the program that it called) took."""
    piece, output = folder / "piece.mp4", folder / f"joined-{side}.mp4"
    started = time.perf_counter()
    if side == "pyav":
        join_pieces([(piece, 25)] * count, Fraction(FPS), output)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    else:
        listing = folder / "pieces.txt"
        listing.write_text(f"file 'file:{piece}'\n" * count)
        concat = ["-f", "concat", "-safe", "0", "-i", str(listing), "-map", "0:v", "-c", "copy"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), *QUIET, *concat, "-movflags", "+faststart", "-y", str(output)]
        subprocess.run(command, check=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "peak_mb": round(peak / 1024),
        "bytes": output.stat().st_size,
    }


def measure_joining(folder: Path) -> dict[str, Any]:
    """Both sides for each number of pieces; `pyav` reads the result once more to check it, `concat` does not."""
    by_pyav(film(25), folder / "piece.mp4", "h264")
    result: dict[str, Any] = {"pyav": {}, "concat": {}}
    for count in COUNTS:
        for side, found in result.items():
            command = [sys.executable, "-m", "tests.benchmarks.bench_media", "--join", side, str(count), str(folder)]
            found[count] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            print(side, count, found[count], flush=True)
    return result


def machine() -> dict[str, Any]:
    """Where this was measured."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    return {
        "cpu": cpu.partition(":")[2].strip() or platform.processor(),
        "cores": os.cpu_count(),
        "av": library_version(),
        "imageio-ffmpeg": version("imageio-ffmpeg"),
        "ffmpeg": imageio_ffmpeg.get_ffmpeg_version(),
        "platform": platform.platform(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    """Measure, print, and keep the result if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--join", nargs=3, metavar=("SIDE", "COUNT", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.join:
        side, count, folder = arguments.join
        print(json.dumps(join_once(side, int(count), Path(folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        joining = measure_joining(Path(folder))
        encoding = measure_encoding(arguments.runs, Path(folder))
    result = {"encoding_fps": encoding, "joining": joining, "size": f"{WIDTH}x{HEIGHT}", "machine": machine()}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
