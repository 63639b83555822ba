"""How far long films of the bundled model drift, by how their windows are joined and by what is done against it.

    python tests/benchmarks/bench_drift.py --films 20 pixels rolling       # 60 windows each; about a minute a film
    python tests/benchmarks/bench_drift.py --windows 10 --films 12 pixels
    python tests/benchmarks/bench_drift.py --moving --windows 3 pixels rolling
    python tests/benchmarks/bench_drift.py --report

Every film is a line of results/bench_drift.jsonl, written when it is done: a run that was stopped goes on behind the
last one. `--report` makes results/bench_drift.json, .md and .png of those lines; `--sheet pixels rolling` draws three
frames of eight films beside each other, from pictures that lie where the films were made. What is shown is compared
with what was asked for, a colour with the colour that its name means, by `skyreels_tiny.scoring`.

With its own settings (30 steps, 17 of 33 frames taken over) the bundled model hardly drifts in 60 windows. It is made
harder for every row alike: 5 frames are taken over, a fifth of the window's latents as in the reference's settings; 7
steps leave more error in each window; and the VAE computes in bfloat16, so that encoding anew costs more. The last also
makes it affordable: decoding takes a quarter of the time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from drift_report import draw_sheet, picture_name, report
from numpy.typing import NDArray
from PIL import Image
from score_tiny import Program
from skyreels_tiny.meaning import Meaning
from skyreels_tiny.motions import MOVES
from skyreels_tiny.palette import BACKGROUND_RGB
from skyreels_tiny.scoring import all_right, background_names, background_rows, count_objects, look, score
from skyreels_tiny.steadiness import join_jump

RESULTS = Path(__file__).parent / "results"
PICTURES = RESULTS / "bench_drift_frames"
Bytes = NDArray[np.uint8]

STEPS = 7
BASE, OVERLAP = 33, 5
NEW = BASE - OVERLAP
MIDDLE = 12
"""Frames from a join to a place between two latents that is far from any."""
DISTANCES = (2, 5, 10, 20, 50)
"""Frames apart, of which the similarity is taken."""

ROWS: dict[str, dict[str, Any]] = {
    "pixels": {},
    "latents": {"join": "latents"},
    "rolling": {"join": "rolling"},
    "pixels, frame sink": {"frame_sink": True},
    "latents, frame sink": {"join": "latents", "frame_sink": True},
    "rolling, frame sink": {"join": "rolling", "frame_sink": True},
    "pixels, colour anchor": {"color_match": "anchor"},
    "pixels, latent anchor": {"latent_anchor": 0.5},
    "pixels, noise by schedule": {"addnoise_condition": "auto"},
    "pixels, history guidance": {"history_guidance": 1.5},
    "rolling, latent anchor": {"join": "rolling", "latent_anchor": 0.5},
    "rolling, noise by schedule": {"join": "rolling", "addnoise_condition": "auto"},
    "rolling, noise 100 on the history": {"join": "rolling", "addnoise_condition": 100},
    "rolling, history guidance": {"join": "rolling", "history_guidance": 1.5},
    "rolling, 17 frames of history": {"join": "rolling", "overlap_history": 17},
    "rolling, blocks of 3": {"join": "rolling", "causal_block_size": 3},
}
"""What is said beside the defaults; the first row is the reference's join."""


def prompts(count: int) -> list[tuple[str, Meaning]]:
    """Still, swinging, on a gradient, and a scene, in turn: what a film of any length can go on showing."""
    from skyreels_tiny.train.evaluate import unseen_prompts, wide_prompts

    drawn = [unseen_prompts(400, first=300), *(wide_prompts(400, (kind,)) for kind in ("swing", "gradient", "scene"))]
    kinds = [[asked for asked in kind if asked[1].motion not in MOVES] for kind in drawn]
    return [asked for group in zip(*kinds, strict=False) for asked in group][:count]


def moving_prompts(count: int) -> list[tuple[str, Meaning]]:
    """What comes to an end: objects that cross the picture, grow or shrink, and cameras that pan and zoom, in turn."""
    from skyreels_tiny.train.evaluate import unseen_prompts, wide_prompts

    crossing = [asked for asked in unseen_prompts(400, first=300) if asked[1].motion in MOVES]
    drawn = [crossing, *(wide_prompts(100, (kind,)) for kind in ("resize", "pan", "zoom"))]
    return [asked for group in zip(*drawn, strict=False) for asked in group][:count]


def window_state(part: Bytes, asked: Meaning) -> dict[str, Any]:
    """What the frames of one window show, against what was asked for; a scene has only its look."""
    state: dict[str, Any] = {"look": asdict(_look(part)), "rgb": part.mean((0, 1, 2)).tolist()}
    if not asked.objects:
        return state
    shape, colour = asked.objects[0]
    seen = look(part)
    rows = np.median(background_rows(part)[:, :, 0], axis=0)
    ends = (rows[:5].mean(0), rows[-5:].mean(0))
    truth = [BACKGROUND_RGB[name] for name in (asked.background[0], asked.background[-1])]
    state |= {
        "background": background_names(part) == asked.background,
        "background error": float(np.mean([np.linalg.norm(end - rgb) for end, rgb in zip(ends, truth, strict=True)])),
        "count": count_objects(part) == 1,
        "object": seen is not None,
    }
    if seen is not None:
        state |= {
            "colour": seen.colour == colour,
            "colour error": float(np.linalg.norm(np.subtract(seen.rgb, BACKGROUND_RGB[colour]))),
            "shape": seen.shape == shape,
            "misfit": seen.misfit,
            "moved": float(np.ptp(seen.centres, axis=0).max()),
        }
    return state


def _look(part: Bytes) -> Any:
    from skyreels_cli.film.windows.look import LookMeter

    meter = LookMeter()
    for frame in part:
        meter.add(frame)
    return meter.look()


def similarity(film: Bytes) -> dict[str, float]:
    """1 less the mean absolute difference of frames so far apart, on the scale 0…1."""
    small = film[:, ::2, ::2].astype(np.int16)
    return {str(apart): 1 - float(np.abs(small[apart:] - small[:-apart]).mean()) / 255 for apart in DISTANCES}


def measure(film: Bytes, starts: list[int], asked: Meaning) -> dict[str, Any]:
    """Everything that the report needs of a film; `starts` are the first frames of its windows behind the first.

    Four frames come of one latent, so that there is a step between latents even where nothing is joined.
    """
    bounds = [0, *range(BASE, len(film) - NEW + 1, NEW), len(film)]
    return {
        "windows": [window_state(film[start:stop], asked) for start, stop in pairwise(bounds)],
        "similarity": similarity(film),
        "join steps": [join_jump(film, start) for start in starts],
        "latent steps": [join_jump(film, start + MIDDLE) for start in starts if start + MIDDLE < len(film)],
        "ends apart": float(np.abs(film[:8].mean(0) - film[-8:].mean(0)).mean()) / 255,
    }


def make(program: Program, name: str, number: int, prompt: str, asked: Meaning, windows: int) -> dict[str, Any]:
    """One film of a row, measured; its first, middle and last frame are kept.

    `moves` says whether something comes to an end in it, and then `right` whether all of it is as it was asked for.
    """
    frames, before = BASE + (windows - 1) * NEW, time.process_time()
    said = {"inference_steps": STEPS, "overlap_history": OVERLAP, **ROWS[name]}
    film = program.film(prompt, number, num_frames=frames, **said)
    seconds = time.process_time() - before
    starts = [window.first_frame for window in program.plan.windows][1:]
    facts = {"row": name, "film": number, "length": windows, "kind": asked.kind, "prompt": prompt}
    PICTURES.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(film[[0, frames // 2, -1]], axis=1)).save(PICTURES / picture_name(name, facts))
    costs = {"seconds": seconds, "frames": frames, "rows": program.plan.total_rows}
    moves = asked.motion in MOVES or asked.kind in ("resize", "pan", "zoom")
    right = {"right": all_right(score(film, asked))} if moves else {}
    return facts | costs | {"moves": moves} | right | measure(film, starts, asked)


def _commit() -> str:
    """The commit that makes the films."""
    asked = ["git", "-C", str(RESULTS), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _rounded(line: Mapping[str, Any]) -> Any:
    """Every number to four digits behind the point."""
    return json.loads(json.dumps(line), parse_float=lambda said: round(float(said), 4))


def missing(done: list[Mapping[str, Any]], names: list[str], films: int, windows: int) -> Iterator[tuple[str, int]]:
    """Rows and numbers of films that are not there yet; one film of every row before the next one."""
    there = {(line["row"], line["film"]) for line in done if line["length"] == windows}
    return ((name, film) for film in range(films) for name in names if (name, film) not in there)


def read(lines: Path) -> list[dict[str, Any]]:
    """The films that are measured; a line that was cut off in the middle is none."""
    if not lines.exists():
        return []
    whole = [line for line in lines.read_text().splitlines(keepends=True) if line.endswith("\n")]
    lines.write_text("".join(whole))
    return [json.loads(line) for line in whole]


def main() -> None:
    """Make what is asked for and missing, or the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"of {'; '.join(ROWS)}; all of them if none is named")
    parser.add_argument("--films", type=int, default=20)
    parser.add_argument("--windows", type=int, default=60)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--sheet", action="store_true")
    parser.add_argument("--moving", action="store_true", help="prompts of what comes to an end")
    parser.add_argument("--lines", type=Path, default=RESULTS / "bench_drift.jsonl")
    options = parser.parse_args()
    lines = options.lines
    if options.report:
        return report(read(lines), list(ROWS), RESULTS)
    names = options.rows or list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        parser.error(f"no row is called {unknown[0]!r}; there are {'; '.join(ROWS)}")
    if options.sheet:
        return draw_sheet(read(lines), names, options.windows, PICTURES, RESULTS / "bench_drift_sheet.png")
    asked, code = (moving_prompts if options.moving else prompts)(options.films), _commit()
    with tempfile.TemporaryDirectory() as folder:
        program = Program("tiny", Path(folder))
        program.use_vae_in(torch.bfloat16)
        done = [line for line in read(lines) if line.get("moves", False) == options.moving]
        for name, number in missing(done, names, options.films, options.windows):
            line = make(program, name, number, *asked[number], options.windows)
            with lines.open("a") as file:
                file.write(json.dumps(_rounded(line | {"code": code})) + "\n")
            print(name, number, f"{line['seconds']:.0f} s", flush=True)
    return None


if __name__ == "__main__":
    main()
