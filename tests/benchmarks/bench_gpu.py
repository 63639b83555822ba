"""One GPU in eight minutes: seconds per step and peak memory of each kernel, way of offloading, and form of weights.

    python -m tests.benchmarks.bench_gpu [--device cuda] [--small] [--seconds 480] [--json FILE]

The models are 1.3B and 14B at 540P, 97 frames, with random weights. A step is two forward passes (guidance); diffusers'
own transformer is measured in the same run. Rows come in the order of their worth: the script ends in time whatever is
left, and each row is written as soon as it is there. What a machine lacks is a row that says so. `--small` runs all of
it on a model of a few thousand parameters, to see that it runs.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, SkyReelsV2Transformer3DModel
from diffusers.utils import logging
from torch import Tensor

from skyreels_cli.errors import first_line
from skyreels_cli.hub.catalogue import RELEASES
from skyreels_cli.hub.shapes import release_facts
from skyreels_cli.hub.weights import VAE_TILE, VAE_TILE_STRIDE
from skyreels_cli.model.kernels import KERNELS, choose_kernel
from skyreels_cli.model.offloading import Placed, placed
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.tiled_vae import video_decoder
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.weights.packed import PackedLinear, pack_float8, unpack_once
from skyreels_cli.order.gpus import gpus
from skyreels_cli.plan.compute import TransformerShape, forward_flops

FLOOR_RATE = 790e12
"""Dense bfloat16 FLOP/s that large matrices reach on an H100 (tests/golden/REFERENCE.md §7)."""
OFFLOADS = ("none", "model", "stream")
FORWARDS = 2
SMALL = {"num_attention_heads": 2, "attention_head_dim": 12, "ffn_dim": 32, "num_layers": 2, "text_dim": 16}


@dataclass(frozen=True)
class Case:
    """A model, and the size of a window of it: latent frames, and pixels."""

    name: str
    config: dict[str, Any]
    latents: int
    width: int
    height: int

    @property
    def flops(self) -> float:
        """Of a step."""
        heads, size = self.config["num_attention_heads"], self.config["attention_head_dim"]
        shape = TransformerShape(self.config["num_layers"], heads * size, self.config["ffn_dim"])
        return FORWARDS * forward_flops(shape, self.latents * (self.width // 16) * (self.height // 16))


def cases(small: bool) -> list[Case]:
    """The small model that stands in for both, or the released shapes."""
    configs = {r.alias: dict(release_facts(r).transformer.config) for r in RELEASES}
    if small:
        return [Case("small", {**configs["df-1.3b-540p"], **SMALL}, 3, 64, 48)]
    return [Case(name, configs[name], 25, 960, 544) for name in ("df-1.3b-540p", "df-14b-540p")]


class Bench:
    """Rows of the table, for as long as there is time."""

    def __init__(self, device: torch.device, seconds: float, results: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self._device = device
        self._until = time.monotonic() + seconds
        self._results = results
        self._said = {"device": name_of(device), "torch": torch.__version__, "gpus": gpus()}

    def measure(self, what: str, work: Callable[[], dict[str, Any]]) -> None:
        """Add a row: what `work` says of itself, or why it could not be done."""
        if time.monotonic() > self._until:
            self._add({"what": what, "found": "no time was left"})
            return
        forget(self._device)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        try:
            said = work()
        except Exception as error:  # noqa: BLE001 - whatever a machine lacks is a row
            said = {"found": f"{type(error).__name__}: {first_line(error)}"[:120]}
        if self._device.type == "cuda":
            said["peak_gb"] = round(torch.cuda.max_memory_allocated(self._device) / 1e9, 2)
        self._add({"what": what, **said})

    def _add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        self._results.write_text(json.dumps({**self._said, "rows": self.rows}, indent=1) + "\n", encoding="utf-8")
        print(line(row), flush=True)


def forget(device: torch.device) -> None:
    """Give everything back that nobody refers to."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def name_of(device: torch.device) -> str:
    """The card's name, or the kind of device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def line(row: dict[str, Any]) -> str:
    """A row of the table in Markdown."""
    shown = [str(row.get(name, "")) for name in ("what", "seconds", "of_floor", "peak_gb", "found")]
    return "| " + " | ".join(shown) + " |"


def random_model(kind: Any, case: Case, device: torch.device) -> Any:
    """A transformer in bfloat16 with random weights, made on the device."""
    with torch.device("meta"):
        model = kind.from_config(case.config)
    model = model.to(torch.bfloat16).to_empty(device=device).requires_grad_(False).eval()
    torch.manual_seed(0)
    for tensor in model.parameters():
        tensor.normal_(0, 0.02)
    with torch.device("cpu"):
        model.rope = kind.from_config({**case.config, "num_layers": 0}).rope
    model.rope.to(device)
    return model


def packed(model: Transformer) -> Transformer:
    """The same model with the matrices of its blocks in float8."""
    for block in model.blocks:
        for name, linear in [(n, m) for n, m in block.named_modules() if isinstance(m, torch.nn.Linear)]:
            stored = pack_float8(linear.weight)
            block.set_submodule(name, PackedLinear(stored, tuple(linear.weight.shape), linear.bias))
        unpack_once(block)
    return model


def inputs_of(case: Case, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Latents, a timestep for each latent frame, and a text."""
    latents = torch.randn(1, 16, case.latents, case.height // 8, case.width // 8, device=device, dtype=torch.bfloat16)
    times = torch.full((1, case.latents), 500, device=device)
    return latents, times, torch.randn(1, 512, case.config["text_dim"], device=device, dtype=torch.bfloat16)


def ours(case: Case, model: Transformer, device: torch.device) -> Callable[[], Any]:
    """A forward pass of ours."""
    latents, times, text = inputs_of(case, device)
    context = TextContext(text)
    return lambda: model(latents, times, context, fps=24)


def theirs(case: Case, model: SkyReelsV2Transformer3DModel, device: torch.device) -> Callable[[], Any]:
    """A forward pass of diffusers'."""
    latents, times, text = inputs_of(case, device)
    fps = torch.tensor([1], device=device)
    return lambda: model(latents, times, text, enable_diffusion_forcing=True, fps=fps, return_dict=False)


@torch.inference_mode()
def timed(case: Case, forward: Callable[[], Any], device: torch.device) -> dict[str, Any]:
    """Seconds of a step, after one pass to warm up, and the floor's share of them."""
    forward()
    synchronize(device)
    started = time.perf_counter()
    for _ in range(FORWARDS):
        forward()
    synchronize(device)
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 3), "of_floor": f"{100 * case.flops / FLOOR_RATE / seconds:.0f} %"}


def synchronize(device: torch.device) -> None:
    """Wait for what was queued on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def run_offloaded(case: Case, model: Transformer, device: torch.device, offload: str) -> dict[str, Any]:
    """A step of a model that comes from the host; with `model` that is once, before the step."""
    there: Placed = nullcontext(model)
    if offload != "none":
        there = placed(model.to("cpu"), device, offload, model.blocks)
        forget(device)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    with there as present:
        synchronize(device)
        arriving = time.perf_counter() - started
        said = timed(case, ours(case, present, device), device)
    return {**said, "arriving_s": round(arriving, 3)}


def bench_case(bench: Bench, case: Case, device: torch.device) -> None:
    """All rows of one model; each row makes its own, so that nothing of the one before is left."""
    best: dict[str, float] = {}

    def fresh(kernel: str | None = None) -> Transformer:
        model: Transformer = random_model(Transformer, case, device)
        with suppress(RuntimeError, AttributeError):
            torch.nn.attention.restore_flash_attention_impl()
        name = kernel or min(best, key=best.__getitem__, default="sdpa")
        model.attention = choose_kernel(name, device, torch.bfloat16, case.config["attention_head_dim"])
        return model

    def by_kernel(kernel: str) -> dict[str, Any]:
        said = timed(case, ours(case, fresh(kernel), device), device)
        best[kernel] = said["seconds"]
        return said

    def compiled() -> dict[str, Any]:
        model = fresh()
        model.compile_layers()
        return timed(case, ours(case, model, device), device)

    def diffusers() -> dict[str, Any]:
        return timed(case, theirs(case, random_model(SkyReelsV2Transformer3DModel, case, device), device), device)

    bench.measure(f"{case.name}, diffusers", diffusers)
    for kernel in [name for name in KERNELS if name != "math"]:  # that one keeps n×n numbers
        bench.measure(f"{case.name}, kernel {kernel}", lambda kernel=kernel: by_kernel(kernel))
    for offload in OFFLOADS[1:]:
        bench.measure(
            f"{case.name}, --offload {offload}", lambda how=offload: run_offloaded(case, fresh(), device, how)
        )
    bench.measure(f"{case.name}, fp8", lambda: run_offloaded(case, packed(fresh()), device, "none"))
    bench.measure(f"{case.name}, fp8, --offload stream", lambda: run_offloaded(case, packed(fresh()), device, "stream"))
    if device.type == "cuda":  # half a minute of compiling, which is of no use elsewhere
        bench.measure(f"{case.name}, compiled", compiled)


def bench_vae(bench: Bench, case: Case, device: torch.device, small: bool) -> None:
    """Decoding a window in each of the VAE's modes."""
    config = {"base_dim": 4, "z_dim": 16} if small else {}
    tile, stride = (32, 24) if small else (VAE_TILE, VAE_TILE_STRIDE)

    @torch.inference_mode()
    def decode(vae_mode: str) -> dict[str, Any]:
        with device:
            vae = AutoencoderKLWan(**config).requires_grad_(False).eval()
        vae = vae.to(torch.float32 if vae_mode == "float32" else torch.bfloat16)
        if vae_mode == "tiled":
            vae.enable_tiling(tile, tile, stride, stride)
        latents = torch.randn(16, case.latents, case.height // 8, case.width // 8, device=device)
        synchronize(device)
        started = time.perf_counter()
        for _ in video_decoder(vae, goes_on=False).decode(latents):
            pass
        synchronize(device)
        return {"seconds": round(time.perf_counter() - started, 3)}

    for vae_mode in ("float32", "bfloat16", "tiled"):
        bench.measure(f"decode {case.latents} latents, VAE {vae_mode}", lambda how=vae_mode: decode(how))


def bench_rest(bench: Bench, device: torch.device) -> None:
    """What is only seen to work: collectives of one rank, and the driver's panel."""

    def collective() -> dict[str, Any]:
        torch.distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo", store=torch.distributed.HashStore(), rank=0, world_size=1
        )
        total = torch.ones(1, device=device)
        torch.distributed.all_reduce(total)
        torch.distributed.destroy_process_group()
        return {"seconds": float(total) - 1}

    def panel() -> dict[str, Any]:
        return {"found": ", ".join(f"{card['name']} {card['used_bytes'] / 1e9:.1f} GB used" for card in gpus())}

    bench.measure("all_reduce of one rank", collective)
    bench.measure("NVML", panel)


def bench_ladder(bench: Bench, case: Case, device: torch.device) -> None:
    """Each way of offloading where no more memory may be had than half of what the model takes: who comes through."""

    def short(offload: str) -> dict[str, Any]:
        model = random_model(Transformer, case, device)
        if device.type == "cuda":
            weights = sum(tensor.nbytes for tensor in model.parameters())
            share = 0.5 * weights / torch.cuda.get_device_properties(device).total_memory
            model = model.to("cpu")
            forget(device)
            torch.cuda.set_per_process_memory_fraction(share, device)
        try:
            with placed(model, device, offload, model.blocks) as present:
                return timed(case, ours(case, present, device), device)
        finally:
            if device.type == "cuda":
                torch.cuda.set_per_process_memory_fraction(1.0, device)

    for offload in ("model", "stream"):
        bench.measure(f"{case.name}, half its memory, --offload {offload}", lambda how=offload: short(how))


def main(words: list[str] | None = None) -> list[dict[str, Any]]:
    """Run it all; returns the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=480.0)
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "bench_gpu.json")
    said = parser.parse_args(words)
    logging.set_verbosity_error()  # it would say for each model that some weights are float32 elsewhere
    device = torch.device(said.device)
    bench = Bench(device, 0.9 * said.seconds, said.json)  # a row that has begun is not broken off
    print("| what | s/step | of the floor | peak GB | not done, or found |\n| --- | --- | --- | --- | --- |")
    bench_rest(bench, device)
    measured = cases(said.small)
    for case in measured:
        bench_case(bench, case, device)
    bench_vae(bench, measured[0], device, said.small)
    bench_ladder(bench, measured[-1], device)
    return bench.rows


if __name__ == "__main__":
    main()
