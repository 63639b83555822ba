"""One diffusion-forcing window: our sampler against diffusers' own pipeline, with the same weights in one process.

    python tests/benchmarks/bench_forward.py [--dtype float32 bfloat16] [--threads 1 2] [--rows 1] [--runs 7] [--json …]

The model is a 4-layer cut of the 1.3B shape with random weights, on the CPU; the window is the released one of
97 frames (25 latents), 3,150 tokens. Runs alternate and each is the first rows of a window of 30 steps, one forward a
row (guidance 1), set-up included, VAE and text encoder excluded on both sides. Memory is measured apart from time: the
peak of what torch's CPU allocator has handed out since the run began, buffers inside kernels included.

On a machine that others use too, wall times say little; with OMP_NUM_THREADS=1 CPU times say what they would be alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from diffusers import SkyReelsV2DiffusionForcingPipeline, SkyReelsV2Transformer3DModel, UniPCMultistepScheduler
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from skyreels_cli.film.windows.denoiser import Denoiser
from skyreels_cli.film.windows.noise import Stream
from skyreels_cli.film.windows.sampler import WindowSampler
from skyreels_cli.film.windows.scheduler import make_scheduler
from skyreels_cli.model import onednn
from skyreels_cli.model.family import family_model
from skyreels_cli.model.kernels import AttentionKernel, choose_kernel
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import plan_windows
from skyreels_cli.recipe.schema import Recipe

CONFIG: dict[str, Any] = {
    "num_attention_heads": 12,
    "attention_head_dim": 128,
    "ffn_dim": 8960,
    "num_layers": 4,
    "text_dim": 256,  # 4096 in the released models: over 4 layers instead of 30 that would count sevenfold
    "inject_sample_info": True,
}
WIDTH, HEIGHT, FRAMES, LATENTS, STEPS, SHIFT, SEED = 224, 144, 97, 25, 30, 8.0, 0
TOKENS = LATENTS * (WIDTH // 16) * (HEIGHT // 16)

# Ours / diffusers'.
WALL_GOAL, MEMORY_GOAL = 0.9, 0.3
KINDS = ("wall", "cpu")


@dataclass(frozen=True)
class Case:
    """A way to denoise; diffusers turns causal attention on with every block size above 1, we only if asked to."""

    name: str
    ar_step: int = 0
    block: int = 1
    causal: bool = False
    remark: str = "both compute the same"


CASES = (
    Case("sync"),
    Case("async 5, blocks of 1", ar_step=5),
    Case("async 5, blocks of 5", ar_step=5, block=5, remark="diffusers masks N×N, ours is bidirectional"),
    Case("async 5, blocks of 5, causal", ar_step=5, block=5, causal=True, remark="both compute the same"),
)

Run = Callable[[Case, int], None]


def make_models(dtype: torch.dtype) -> tuple[SkyReelsV2Transformer3DModel, Transformer]:
    """Diffusers' transformer and ours over the same parameters; norms and time stay in float32 on both sides."""
    torch.manual_seed(SEED)
    theirs = SkyReelsV2Transformer3DModel(**CONFIG).eval().requires_grad_(False)
    kept = SkyReelsV2Transformer3DModel._keep_in_fp32_modules
    for name, parameter in theirs.named_parameters():
        if not any(part in kept for part in name.split(".")):
            parameter.data = parameter.data.to(dtype)
    with torch.device("meta"):
        ours = Transformer(**CONFIG).eval().requires_grad_(False)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    ours.rope = theirs.rope
    cpu = torch.device("cpu")
    onednn.use_where_it_pays(ours, cpu)
    ours.attention = choose_kernel("auto", cpu, dtype, CONFIG["attention_head_dim"])
    return theirs, ours


def run_ours(transformer: Transformer, text: Tensor) -> Run:
    """The first rows of a window by `WindowSampler`."""

    def run(case: Case, rows: int) -> None:
        sizes = WindowSizes(4, LATENTS, 5, block_size=case.block, inference_steps=STEPS, ar_step=case.ar_step)
        window = plan_windows(sizes, [ShotFrames(FRAMES)])[0]
        recipe = Recipe(
            prompt="-", negative_prompt="-", model="-", resolution=f"{WIDTH}x{HEIGHT}", num_frames=FRAMES, fps=24,
            seed=SEED, inference_steps=STEPS, guidance_scale=1.0, shift=SHIFT, base_num_frames=FRAMES,
            overlap_history=17, causal_attention=case.causal,
        )  # fmt: skip
        denoiser = Denoiser(transformer, recipe, window, [text], 1.0, text.dtype, family_model("df"), {})
        noise = torch.randn(16, LATENTS, HEIGHT // 8, WIDTH // 8)
        sampler = WindowSampler(
            window, noise, denoiser, lambda: make_scheduler("unipc", STEPS, SHIFT, True), Stream(SEED), 0
        )
        for row, _ in sampler.run():
            if row == rows - 1:
                break

    return run


def run_theirs(transformer: SkyReelsV2Transformer3DModel, text: Tensor) -> Run:
    """The same by `SkyReelsV2DiffusionForcingPipeline`, interrupted the way its callers do it."""
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=SHIFT, solver_order=2
    )
    pipeline = SkyReelsV2DiffusionForcingPipeline(None, None, transformer, None, scheduler)
    pipeline.set_progress_bar_config(disable=True)

    def run(case: Case, rows: int) -> None:
        def stop(pipe: Any, row: int, timestep: Tensor, values: dict[str, Any]) -> dict[str, Any]:
            pipe._interrupt = row == rows - 1
            return values

        pipeline(
            prompt=None, prompt_embeds=text, height=HEIGHT, width=WIDTH, num_frames=FRAMES, base_num_frames=FRAMES,
            num_inference_steps=STEPS, guidance_scale=1.0, ar_step=case.ar_step, causal_block_size=case.block,
            callback_on_step_end=stop, output_type="latent", fps=24,
        )  # fmt: skip

    return run


def seconds(run: Run, case: Case, rows: int) -> tuple[float, float]:
    """Wall time and CPU time of a run."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(case, rows)
    return time.perf_counter() - wall, time.process_time() - cpu


def peak_bytes(run: Run, case: Case) -> int:
    """Most memory that one row held at a time, beyond what was there before (the weights)."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        run(case, 1)
    events = recorded.profiler.kineto_results.events()
    sizes = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    return int(max(accumulate(size for _, size in sorted(sizes, key=lambda event: event[0]))))


@torch.inference_mode()
def max_difference(theirs: SkyReelsV2Transformer3DModel, ours: Transformer, text: Tensor) -> float:
    """Largest difference of one forward over mixed timesteps, relative to the largest value; also warms both up."""
    latents = torch.randn(1, 16, LATENTS, HEIGHT // 8, WIDTH // 8).to(text.dtype)
    times = torch.linspace(999, 0, LATENTS).long().unsqueeze(0)
    expected = theirs(latents, times, text, enable_diffusion_forcing=True, fps=[1], return_dict=False)[0]
    found = ours(latents, times, TextContext(text), fps=24)
    return float((found - expected).abs().max() / expected.abs().max())


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Add up the seconds of products of matrices, and of attention with the products inside it, on either side."""
    inside = False

    def counted(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **more: Any) -> Any:
            nonlocal inside
            if inside:
                return function(*arguments, **more)
            inside, started = True, time.perf_counter()
            try:
                return function(*arguments, **more)
            finally:
                inside = False
                spent[kind] += time.perf_counter() - started

        return run

    places: list[tuple[Any, str, str]] = [
        (nn.Linear, "forward", "matrices"),
        (onednn.OneDNNLinear, "forward", "matrices"),
        (AttentionKernel, "__call__", "attention"),
        (torch.nn.functional, "scaled_dot_product_attention", "attention"),
    ]
    with ExitStack() as patches:
        for owner, name, kind in places:
            patches.enter_context(patch.object(owner, name, counted(kind, getattr(owner, name))))
        yield


def shares(run: Run, case: Case) -> dict[str, float]:
    """Which shares of one row's time are products of matrices, attention, and all the rest."""
    spent = {"matrices": 0.0, "attention": 0.0}
    with timed(spent):
        whole, _ = seconds(run, case, 1)
    rest = {"rest": whole - sum(spent.values())}
    return {kind: round(taken / whole, 3) for kind, taken in (spent | rest).items()}


def measure_memory(case: Case, ours: Run, theirs: Run) -> dict[str, Any]:
    """Peaks of both."""
    their_peak, our_peak = peak_bytes(theirs, case), peak_bytes(ours, case)
    return {
        "diffusers_peak_bytes": their_peak,
        "skyreels_peak_bytes": our_peak,
        "memory_ratio": round(our_peak / their_peak, 3),
    }


def measure_time(case: Case, ours: Run, theirs: Run, rows: int, runs: int) -> dict[str, Any]:
    """Medians of runs that alternate."""
    pairs = [(seconds(theirs, case, rows), seconds(ours, case, rows)) for _ in range(runs)]
    measured: dict[str, Any] = {}
    for index, kind in enumerate(KINDS):
        times = {"diffusers": [their[index] for their, _ in pairs], "skyreels": [our[index] for _, our in pairs]}
        medians = {side: statistics.median(taken) for side, taken in times.items()}
        measured[f"{kind}_ratio"] = round(medians["skyreels"] / medians["diffusers"], 3)
        for side, taken in times.items():
            measured[f"{side}_{kind}_seconds"] = round(medians[side], 3)
            measured[f"{side}_{kind}_runs"] = [round(one, 3) for one in taken]
    return measured


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "cpu": model,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "diffusers")},
        "date": datetime.now(UTC).date().isoformat(),
    }


def print_table(results: list[dict[str, Any]]) -> None:
    """One line per case, the goals last."""
    columns = f"{'diffusers':>10}{'ours':>7}{'ratio':>7}"
    print(f"{'':48}{'wall, s':^24}{'CPU, s':^24}{'activations, MB':^24}")
    print(f"{'':48}{columns * 3}")
    for r in results:
        parts = [(r[f"diffusers_{kind}_seconds"], r[f"skyreels_{kind}_seconds"], r[f"{kind}_ratio"]) for kind in KINDS]
        parts.append((r["diffusers_peak_bytes"] / 1e6, r["skyreels_peak_bytes"] / 1e6, r["memory_ratio"]))
        figures = "".join(f"{theirs:10.1f}{ours:7.1f}{ratio:7.2f}" for theirs, ours, ratio in parts)
        print(f"{r['case']:30}{r['dtype']:>9}{r['threads']:>8}t{figures}  {r['remark']}")
    print(f"{'goal':48}{'':17}{WALL_GOAL:7.2f}{'':24}{'':17}{MEMORY_GOAL:7.2f}")


def measure_dtype(name: str, cases: list[Case], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All cases in one dtype, by each number of threads."""
    dtype = getattr(torch, name)
    theirs, ours = make_models(dtype)
    text = torch.randn(1, 512, CONFIG["text_dim"]).to(dtype)
    difference = max_difference(theirs, ours, text)
    print(f"{TOKENS:,} tokens, {name}, relative difference of one forward {difference:.1e}", flush=True)
    sides = (run_ours(ours, text), run_theirs(theirs, text))
    peaks = [measure_memory(case, *sides) for case in cases]
    for threads in asked.threads:
        torch.set_num_threads(threads)
        parts = {"skyreels": shares(sides[0], cases[0]), "diffusers": shares(sides[1], cases[0])}
        for case, peak in zip(cases, peaks, strict=True):
            named = {"case": case.name, "remark": case.remark, "dtype": name, "threads": threads}
            times = measure_time(case, *sides, asked.rows, asked.runs)
            row = {**named, "kernel": ours.attention.name, **times, **peak, "difference": difference, "shares": parts}
            print_table([row])
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--dtype", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--case", action="append", help="only the case of this name")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    cases = [case for case in CASES if not asked.case or case.name in asked.case]
    load_before = os.getloadavg()[0]
    results = [row for name in asked.dtype for row in measure_dtype(name, cases, asked)]
    print_table(results)
    if asked.json:
        setup = {"model": CONFIG, "tokens": TOKENS, "rows": asked.rows, "runs": asked.runs,
                 "load_average": [round(load_before, 1), round(os.getloadavg()[0], 1)]}  # fmt: skip
        asked.json.write_text(json.dumps({"machine": machine(), "setup": setup, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
