"""What the work folder costs: a film by the program against the same windows held in memory and encoded at the end.

    python tests/benchmarks/bench_film_folder.py [--runs 5] [--size 160x96] [--json results/bench_film_folder.json]

Both sides run in one process, alternating, with the model loaded once; the golden model, or `--model FOLDER`. The plain
side has no work folder: no checkpoints (the program's come every 2 s here instead of 60), no pieces, no checksums, no
flushing to disk, no preview, no join; it keeps all frames and opens one encoder when the last window is done. CPU
seconds include those of ffmpeg.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.render import render
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.conditions import condition
from skyreels_cli.film.windows.denoiser import Denoiser
from skyreels_cli.film.windows.history import make_history
from skyreels_cli.film.windows.noise import InitialNoise
from skyreels_cli.film.windows.sampler import WindowSampler
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.film.windows.script import Script
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.media.codecs import film_coding
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.model.vae import to_bytes
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.weights import weights_of

GOLDEN = Path(__file__).parents[1] / "golden" / "model"
GOAL = 1.03
CHECKPOINT_SECONDS = 2.0


def plain_film(recipe: Recipe, plan: Plan, loaded: LoadedModel, output: Path) -> None:
    """All windows in memory, one encoder at the end."""
    script, noise, history = Script(recipe, plan), InitialNoise(), make_history(recipe, plan, loaded.facts)
    list(loaded.prepare(recipe.texts))
    channels, stride = loaded.facts.latent_channels, loaded.facts.spatial_stride
    frames = []
    for window in plan.windows:
        direction = script.direction(window)
        shape = (channels, window.latents, plan.height // stride, plan.width // stride)
        drawn = noise.draw(direction.stream, shape)
        with loaded.vae() as vae, loaded.transformer() as transformer:
            prefix = history.prefix(window) if window.prefix_latents and not window.fresh else None
            latents = condition(drawn, window, direction.shot, recipe, prefix, loaded, vae).latents
            texts = [loaded.text(text) for text in direction.shot.texts]
            sampler = WindowSampler(
                window,
                latents,
                Denoiser(
                    transformer, recipe, window, texts, direction.shot.guidance_scale, loaded.dtype, loaded.family, {}
                ),
                lambda: make_scheduler(recipe.scheduler, recipe.inference_steps, recipe.shift, True, recipe.options),
                direction.stream,
                recipe.addnoise_condition,
            )
            for _ in sampler.run():
                pass
            decoded = history.decode(vae, sampler.latents[:, : window.latents], window)
            frames += [to_bytes(new).numpy() for new in decoded]
            history.close_window(vae, plan.window(window.index + 1))
    shape_of_film = {"width": plan.width, "height": plan.height, "fps": recipe.fps}
    coding = film_coding(recipe.codec, recipe.quality)
    with VideoEncoder(output, **shape_of_film, coding=coding) as encoder:
        for part in frames:
            encoder.write(part)


def measure(model: Path, size: str, runs: int) -> dict[str, Any]:
    """Seconds of both sides and their ratio, pair by pair."""
    facts = open_folder(model, model.name)
    draft = Draft(
        prompt="a red ball", resolution=size, num_frames=113, base_num_frames=33, overlap_history=17, seed=1,
        inference_steps=30, guidance_scale=3.0, dtype="float32",
    )  # fmt: skip
    recipe = complete(draft, facts)
    plan = make_plan(recipe, facts)
    loaded = LoadedModel(weights_of(recipe, facts), Placement(device="cpu"))
    wall: dict[str, list[float]] = {"program": [], "plain": []}
    cpu: dict[str, list[float]] = {"program": [], "plain": []}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs + 1):  # the first is a warm-up
            for side in ("program", "plain") if run % 2 else ("plain", "program"):
                output = Path(folder) / f"{side}{run}.mp4"
                started, worked = time.perf_counter(), _cpu_seconds()
                if side == "program":
                    rendering = Rendering(
                        recipe=recipe,
                        facts=facts,
                        plan=plan,
                        placement=Placement(device="cpu"),
                        output=output,
                        checkpoint_seconds=CHECKPOINT_SECONDS,
                    )
                    list(render(rendering, model=loaded))
                else:
                    plain_film(recipe, plan, loaded, output)
                if run:
                    wall[side].append(time.perf_counter() - started)
                    cpu[side].append(_cpu_seconds() - worked)
                    print(side, round(wall[side][-1], 2), round(cpu[side][-1], 2), flush=True)
    return {
        "model": model.name,
        "size": size,
        "windows": len(plan.windows),
        "frames": plan.num_frames,
        "wall": _compare(wall),
        "cpu": _compare(cpu),
        "goal": GOAL,
        "runs": runs,
    }


def _cpu_seconds() -> float:
    """Seconds of CPU of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _compare(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Medians of both sides, and the ratio pair by pair."""
    ratios = [a / b for a, b in zip(seconds["program"], seconds["plain"], strict=True)]
    medians = {side: round(statistics.median(values), 3) for side, values in seconds.items()}
    return {**medians, "ratio": [round(f(ratios), 4) for f in (statistics.median, min, max)]}


def machine() -> dict[str, Any]:
    """Where this was measured."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    return {
        "cpu": cpu.partition(":")[2].strip() or platform.processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "torch": version("torch"),
        "platform": platform.platform(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    """Measure, print, and keep the result if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=GOLDEN)
    parser.add_argument("--size", default="160x96")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = {**measure(arguments.model, arguments.size, arguments.runs), "machine": machine()}
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
