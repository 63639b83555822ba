"""What each cache saves and what it costs: time and likeness against the same film without a cache, sync and async.

    python tests/benchmarks/bench_caches.py            # the bundled model, else the golden one
    python tests/benchmarks/bench_caches.py --model FOLDER --films 1

Writes results/bench_caches.json, .md and .png. Time is that of the denoising steps, in seconds of CPU of this process
with one thread: on a machine that is shared with others it tells more than the clock. PSNR and SSIM
compare 8-bit frames.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skyreels_cli.film.events import CacheUsed, StepDone
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.render import render
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.hub.catalogue import bundled_models
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.open import open_model
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.media.reader import read_frames
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
GOLDEN = ROOT / "tests" / "golden" / "model"

PROMPTS = (
    "a red ball moves to the right over water",
    "a blue square moves up over sand",
    "a yellow star moves to the left over grass",
)
# One window of nine latent frames; async: three blocks, each five rows behind the one before it.
FILM: dict[str, Any] = {
    "num_frames": 33,
    "base_num_frames": 33,
    "inference_steps": 30,
    "dtype": "float32",
    "codec": "ffv1",
}
MODES: dict[str, dict[str, Any]] = {"sync": {}, "async": {"ar_step": 5, "causal_block_size": 3}}

SETTINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("teacache", {"threshold": x, "fit": "none"}) for x in (0.1, 0.2, 0.4)),
    *(("firstblock", {"threshold": x}) for x in (0.05, 0.1, 0.2)),
    *(("taylorseer", {"interval": x}) for x in (2, 3, 4)),
    *(("blockcache", {"threshold": x}) for x in (0.02, 0.05, 0.1, 0.2, 0.4)),
)


@dataclass(frozen=True)
class Film:
    """One rendered film: its frames, what its steps took, and the share of work that was skipped."""

    frames: npt.NDArray[np.uint8]
    seconds: float
    skipped: float


@dataclass(frozen=True)
class Row:
    """One setting in one mode, averaged over films."""

    mode: str
    cache: str
    options: dict[str, Any]
    skipped: float
    speedup: float
    psnr: float
    worst_psnr: float
    ssim: float


class Bench:
    """Renders films of one model, which is loaded once."""

    def __init__(self, facts: ModelFacts, folder: Path) -> None:
        self._facts = facts
        self._folder = folder
        self._placement = Placement(device="cpu")
        self._model = LoadedModel(weights_spec(facts, "float32"), self._placement)

    def film(self, index: int, mode: str, cache: str | None = None, options: dict[str, Any] | None = None) -> Film:
        """The film number `index` in a mode, with a cache or without."""
        size = {} if "resolution" in self._facts.defaults else {"resolution": "80x48"}
        draft = {**FILM, **MODES[mode], **size, "prompt": PROMPTS[index], "seed": 5 + index, "cache": cache}
        draft["options"] = {cache: options or {}} if cache else None
        recipe = complete(Draft.model_validate(draft), self._facts)
        output = self._folder / "film.mkv"
        rendering = Rendering(
            recipe=recipe,
            facts=self._facts,
            plan=make_plan(recipe, self._facts),
            placement=self._placement,
            output=output,
        )
        seconds, skipped, before = 0.0, 0.0, time.process_time()
        for event in render(rendering, model=self._model):
            now = time.process_time()
            if isinstance(event, StepDone):
                seconds += now - before
            elif isinstance(event, CacheUsed):
                skipped = event.skipped
            before = now
        frames = np.stack(list(read_frames(output)))
        output.unlink()
        return Film(frames, seconds, skipped)


def psnr(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of 8-bit frames in dB, at most 100."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return min(100.0, 10 * math.log10(255**2 / error)) if error else 100.0


def ssim(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Structural similarity (Wang et al. 2004) of frames, 11 × 11 Gaussian windows of 1.5, per channel, averaged."""
    x, y = (torch.from_numpy(frames).permute(0, 3, 1, 2).flatten(0, 1)[:, None].double() for frames in (a, b))
    taps = torch.exp(-(torch.arange(-5, 6).double() ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    kernel = (taps[:, None] * taps)[None, None]

    def blur(image: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(image, kernel)

    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((likeness / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean())


def measure(bench: Bench, films: int) -> Iterator[Row]:
    """Every setting in every mode; films without a cache come before and between, so that drift shows in all."""
    for mode in MODES:
        plain = [bench.film(index, mode) for index in range(films)]
        plain_seconds = [film.seconds for film in plain]
        for cache, options in SETTINGS:
            made = [bench.film(index, mode, cache, options) for index in range(films)]
            plain_seconds.append(bench.film(0, mode).seconds)
            likeness = [psnr(one.frames, other.frames) for one, other in zip(made, plain, strict=True)]
            yield Row(
                mode=mode,
                cache=cache,
                options=options,
                skipped=round(mean(film.skipped for film in made), 3),
                speedup=round(median(plain_seconds) / median(film.seconds for film in made), 2),
                psnr=round(mean(likeness), 1),
                worst_psnr=round(min(likeness), 1),
                ssim=round(mean(ssim(one.frames, other.frames) for one, other in zip(made, plain, strict=True)), 4),
            )


def table(rows: list[Row], about: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "# Caches: time and likeness against no cache",
        "",
        f"{about['model']}: {about['layers']} layers, {about['films']} film(s) of 33 frames, 30 steps,",
        f"{about['machine']}; time of the denoising in CPU seconds, one thread.",
        "`tests/benchmarks/bench_caches.py` writes this file.",
        "",
        "| mode | cache | options | work skipped | speed-up | PSNR (worst) | SSIM |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        options = ", ".join(f"{name} {value}" for name, value in row.options.items() if name != "fit")
        lines.append(
            f"| {row.mode} | {row.cache} | {options} | {row.skipped:.0%} | {row.speedup:.2f}× "
            f"| {row.psnr} ({row.worst_psnr}) dB | {row.ssim} |"
        )
    return "\n".join(lines) + "\n"


def plot(rows: list[Row], path: Path) -> None:
    """Speed-up against likeness, a line per cache."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(MODES), figsize=(11, 4.5), sharey=True)
    for mode, axis in zip(MODES, axes, strict=True):
        for cache in dict.fromkeys(row.cache for row in rows):
            points = sorted((row.speedup, row.psnr) for row in rows if (row.mode, row.cache) == (mode, cache))
            axis.plot(*zip(*points, strict=True), marker="o", label=cache)
        axis.axhline(30, color="grey", linewidth=0.8, linestyle="--")
        axis.axvline(2, color="grey", linewidth=0.8, linestyle="--")
        axis.set(title=mode, xlabel="speed-up of the denoising")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("PSNR against no cache, dB")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny" if "tiny" in bundled_models() else str(GOLDEN))
    parser.add_argument("--films", type=int, default=2, choices=range(1, len(PROMPTS) + 1))
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    facts = open_model(options.model)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Bench(facts, Path(folder)), options.films):
            print(row, flush=True)
            rows.append(row)
    about = {
        "model": facts.name if options.model != str(GOLDEN) else "golden (random weights)",
        "layers": facts.transformer.config["num_layers"],
        "films": options.films,
        "machine": f"{platform.processor() or platform.machine()} CPU, torch {torch.__version__}",
        "prompts": PROMPTS[: options.films],
        "recipe": FILM,
        "modes": MODES,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=1)
    (options.out / "bench_caches.json").write_text(text + "\n")
    (options.out / "bench_caches.md").write_text(table(rows, about))
    plot(rows, options.out / "bench_caches.png")
    print(table(rows, about))


if __name__ == "__main__":
    main()
