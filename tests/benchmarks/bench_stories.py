"""Stories by rules, written as YAML, planned and rendered on the bundled model: one for each seed, as small as it goes.

    python -m tests.benchmarks.bench_stories [--seeds 50] [--json FILE]

Each is `enhance-prompt … --shots N -o story.yaml` and `generate --shots story.yaml`, with the lengths that the rules
choose, one step per window and 32x32 pixels.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import psutil
import torch

from skyreels_cli.cli.main import main as skyreels
from skyreels_cli.hub.catalogue import unknown_words

STORIES = (
    *("a fairy tale of a fox", "a red circle", "two boats", "a swan on a lake at dawn", "the moon rises"),
    *("a red circle and a blue square", "a boat on the sea at night"),
    "a green square moves to the left over a black background",
)
SMALL = ("--resolution", "32x32", "--inference-steps", "1", "--guidance-scale", "1")


def measure(seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """A row for each seed; `frames` are those that another reader counts in the film."""
    for seed in seeds:
        story, shots = STORIES[seed % len(STORIES)], 2 + seed % 5
        begin = time.perf_counter()
        words = ("--provider", "rules", "--for", "tiny", "--shots", str(shots), "--seed", str(seed), "-o", "story.yaml")
        written = _command("enhance-prompt", story, *words, "--overwrite")
        film = _command("generate", "--shots", "story.yaml", *SMALL, "-o", "story.mp4", "--overwrite")
        texts = [shot["prompt"] for shot in written["shots"]]
        yield {
            "seed": seed,
            "story": story,
            "shots": len(texts),
            "cuts": sum(shot.get("cut", False) for shot in written["shots"]),
            "frames_written": written["num_frames"],
            "windows": film["windows"],
            "frames": _frames(Path("story.mp4")),
            "unknown_words": len(unknown_words("tiny", texts)),
            "seconds": round(time.perf_counter() - begin, 2),
        }


def _command(*words: str) -> Any:
    """The data of a command's envelope; its complaint as an error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = skyreels([*words, "--json"])
    if status:
        raise RuntimeError(err.getvalue())
    return json.loads(out.getvalue())["data"]


def _frames(film: Path) -> int:
    with av.open(str(film)) as container:
        return sum(1 for _ in container.decode(video=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    target = arguments.json.absolute() if arguments.json else None
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        os.environ["SKYREELS_HOME"] = folder
        rows = list(measure(range(arguments.seeds)))
    report = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "load_average": round(psutil.getloadavg()[1], 1),
            "versions": {"torch": torch.__version__},
        },
        "summary": {
            "stories": len(rows),
            "shots": sum(row["shots"] for row in rows),
            "rendered_whole": sum(row["frames"] == row["frames_written"] for row in rows),
            "one_window_a_shot": sum(row["windows"] == row["shots"] for row in rows),
            "of_known_words_only": sum(row["unknown_words"] == 0 for row in rows),
            "seconds": round(sum(row["seconds"] for row in rows), 1),
        },
        "rows": rows,
    }
    print(json.dumps(report["summary"], indent=2))
    if target:
        target.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
