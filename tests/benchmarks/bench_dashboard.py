"""The dashboard over 10,000 jobs, in a real terminal (a pty): from key to redraw, and what it costs when nobody types.

    python -m tests.benchmarks.bench_dashboard [--jobs 10000] [--keys 30] [--seconds 30] [--json FILE]

A redraw begins with the first byte that follows a key and is over when nothing has come for 60 ms. `idle` is the share
of a core with nothing going on, `watching` with a worker that gives a sign of life, with a step done, every second.
Bytes are counted at 80×24, with ten jobs: with nothing going on, and while a step is done each second and a new preview
frame is there every 20 s; once more with `--slow`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from skyreels_cli.film.folder.manifest import work_folder
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.queue.store import Store
from tests.tui.night import FakeEngine, fill, new_job, plan_of, sunset

COLUMNS, ROWS = 160, 48
QUIET_SECONDS = 0.06
START_SECONDS = 12.0
REDRAW_GOAL_MS, IDLE_GOAL_PERCENT, SLOW_GOAL_BYTES = 100, 3, 2000
PREVIEW_SECONDS = 20
# What is pressed in turns.
KEYS = {
    "next job": ["j"],
    "next page": ["\x1b[6~"],
    "the other end": ["G", "g"],
    "move a job": ["K", "J"],
    "sort by the next column": ["s"],
    "filter by state": ["f"],
}


class Terminal:
    """A dashboard in a pty, and what can be measured from outside."""

    def __init__(self, home: Path, size: tuple[int, int] = (COLUMNS, ROWS), *options: str) -> None:
        columns, rows = size
        self.pid, self.stream = pty.fork()
        if self.pid == 0:
            os.environ.update(SKYREELS_HOME=str(home), TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, "-m", "skyreels_cli", "queue", "monitor", *options])
        fcntl.ioctl(self.stream, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def redraw(self, key: str) -> tuple[float, float]:
        """Seconds from a key to the first byte of what it changes, and to the last."""
        begin = time.perf_counter()
        os.write(self.stream, key.encode())
        first = last = 0.0
        while select.select([self.stream], [], [], QUIET_SECONDS if first else 5.0)[0]:
            os.read(self.stream, 1 << 16)
            last = time.perf_counter() - begin
            first = first or last
        return first, last

    def cpu_share(self, seconds: float, each_second: Iterator[Any]) -> float:
        """Percent of a core that the process takes, while something is done each second."""
        process = psutil.Process(self.pid)
        begin, used = time.perf_counter(), sum(process.cpu_times()[:2])
        while time.perf_counter() - begin < seconds:
            next(each_second)
            self.take_in(1.0)
        return 100 * (sum(process.cpu_times()[:2]) - used) / (time.perf_counter() - begin)

    def bytes_per_second(self, seconds: float, each_second: Iterator[Any]) -> float:
        """Bytes that are sent to the terminal, while something is done each second."""
        begin, sent = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            next(each_second)
            sent += self.take_in(1.0)
        return sent / (time.perf_counter() - begin)

    def take_in(self, seconds: float) -> int:
        """Take in what is drawn for so long; how many bytes that were."""
        until, taken = time.perf_counter() + seconds, 0
        while (left := until - time.perf_counter()) > 0:
            if select.select([self.stream], [], [], left)[0]:
                taken += len(os.read(self.stream, 1 << 16))
        return taken


@contextmanager
def dashboard(home: Path, size: tuple[int, int] = (COLUMNS, ROWS), *options: str) -> Iterator[Terminal]:
    """A dashboard that shows its queue."""
    terminal = Terminal(home, size, *options)
    terminal.take_in(START_SECONDS)
    yield terminal
    os.write(terminal.stream, b"q")
    with suppress(OSError):  # it hangs up
        terminal.take_in(1.0)
    os.waitpid(terminal.pid, 0)


def working(engine: FakeEngine) -> Iterator[None]:
    """A step done."""
    while True:
        engine.play(1)
        yield


def resting() -> Iterator[None]:
    """Nothing at all."""
    while True:
        yield


def filming(engine: FakeEngine, preview: Path) -> Iterator[None]:
    """A step done, and now and then a new frame to see."""
    preview.parent.mkdir(parents=True)
    for second in count():
        if second % PREVIEW_SECONDS == 0:
            with VideoEncoder(
                preview, width=192, height=112, fps=Fraction(24), coding=film_coding("h264", 5)
            ) as encoder:
                encoder.write(sunset(112, 192)[None])
        engine.play(1)
        yield


def sent(seconds: float) -> dict[str, dict[str, float]]:
    """Bytes per second at 80×24, idle and while a film is rendered."""
    figures = {}
    for name, options in {"normal": (), "slow": ("--slow",)}.items():
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            store = Store(home / "queue")
            fill(store, 10, home)
            with dashboard(home, (80, 24), *options) as terminal:
                idle = terminal.bytes_per_second(seconds, resting())
                job = store.add(new_job(1, home / "now", plan_of(737, 30, ar_step=5, block=5), priority=9))
                engine = FakeEngine.arrive(store)
                engine.take()
                preview = work_folder(job.output_path) / "preview.mp4"
                rendering = terminal.bytes_per_second(seconds, filming(engine, preview))
            store.database.close()
        figures[name] = {"idle_bytes": round(idle), "rendering_bytes": round(rendering)}
        print(f"{name}: {figures[name]} per second", flush=True)
    return figures


def measure(jobs: int, keys: int, seconds: float) -> dict[str, Any]:
    """All figures; times in milliseconds, medians over the presses of a key."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = Store(home / "queue")
        fill(store, jobs, home)
        redraws: dict[str, dict[str, float]] = {}
        with dashboard(home) as terminal:
            idle = terminal.cpu_share(seconds, resting())
            for name, turns in KEYS.items():
                times = [terminal.redraw(turns[press % len(turns)]) for press in range(keys)]
                first, last = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
                redraws[name] = {"first_ms": round(first, 1), "complete_ms": round(last, 1)}
                print(f"{name:<24} {first:7.1f} ms to the first change, {last:7.1f} ms to the last", flush=True)
            store.add(new_job(1, home / "now", plan_of(737, 30, ar_step=5, block=5), priority=9))
            engine = FakeEngine.arrive(store)
            engine.take()
            watching = terminal.cpu_share(seconds, working(engine))
        store.database.close()
    print(f"idle {idle:.1f} % of a core, watching a film {watching:.1f} %")
    shares = {"idle_percent": round(idle, 2), "watching_percent": round(watching, 2)}
    return {"jobs": jobs, "redraw": redraws, **shares, "sent_at_80x24": sent(seconds)}


def machine() -> dict[str, Any]:
    """What it ran on, and how busy that was."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "terminal": f"pty, {COLUMNS}×{ROWS}",
    }


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    results = measure(asked.jobs, asked.keys, asked.seconds)
    goals = {"redraw_ms": REDRAW_GOAL_MS, "idle_percent": IDLE_GOAL_PERCENT, "slow_bytes": SLOW_GOAL_BYTES}
    if asked.json:
        asked.json.write_text(json.dumps({"machine": machine(), "goals": goals, **results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
