"""What to give up when memory runs out: speed, then the VAE's precision, the length of a window, and the weights'."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from skyreels_cli.hub.family import family_named
from skyreels_cli.queue.job import Job
from skyreels_cli.recipe.defaults import default_overlap

# A window of the models has 97 or 121 frames; under a third of it motion falls apart.
LEAST_WINDOW = 33
WINDOW_SHARE = 0.75
STRIDE = 4


def next_step(job: Job, placement: Mapping[str, Any]) -> dict[str, Any] | None:
    """The next thing to change, as `{"change": {…}, "was": {…}, "at": …}`; None if there is none left.

    `placement` is the one that ran out of memory (device, offload); family, device, and what `auto` came to, are as the
    renderer found them.
    """
    change = _stream(job, placement) or _smaller_vae(job) or _smaller_window(job) or _fp8(job)
    if not change:
        return None
    was = {name: job.current_recipe.get(name, placement.get(name)) for name in change}
    return {"change": change, "was": was, "at": time.time()}


def describe(step: Mapping[str, Any]) -> str:
    """`offload none → stream`, for people."""
    return ", ".join(f"{name} {step['was'][name]} → {value}" for name, value in step["change"].items())


def _stream(job: Job, placement: Mapping[str, Any]) -> dict[str, Any]:
    """Weights layer by layer from the host: the film stays the very same."""
    offload = job.plan.get("offload", placement["offload"])
    return {} if _on_host(job) or offload == "stream" else {"offload": "stream"}


def _smaller_vae(job: Job) -> dict[str, Any]:
    """Half the memory of decoding, or a tile's, where decoding takes more than denoising; only where nobody chose."""
    needed = {name: estimate["value"] for name, estimate in job.plan.get("estimates", {}).items()}
    if job.draft.get("vae") or needed.get("vae_decode", 0.0) <= needed.get("activations", 0.0):
        return {}
    frugal: dict[str, Any] = {"float32": {"vae": "bfloat16"}, "bfloat16": {"vae": "tiled"}}
    return {} if _on_host(job) else frugal.get(job.current_recipe.get("vae", "float32"), {})


def _smaller_window(job: Job) -> dict[str, Any]:
    """A quarter off the window at hand; activations shrink with it, attention's by its square."""
    if not family_named(job.plan["family"]).forcing:
        return {}  # the other families render any length as one window
    recipe = job.current_recipe
    window = min(recipe["base_num_frames"], recipe["num_frames"])
    smaller = int((window * WINDOW_SHARE - 1) // STRIDE * STRIDE + 1)
    longest = smaller - STRIDE
    if smaller < LEAST_WINDOW or (job.draft.get("overlap_history") or 0) > longest:
        return {}
    if recipe.get("overlap_history", 0) <= longest:
        return {"base_num_frames": smaller}
    return {"base_num_frames": smaller, "overlap_history": default_overlap(smaller, STRIDE)}


def _fp8(job: Job) -> dict[str, Any]:
    """Weights in 8 bits, half of bfloat16."""
    on_gpu = job.plan.get("device", "cuda").startswith("cuda")
    return {"weights_dtype": "fp8"} if on_gpu and job.current_recipe.get("weights_dtype") != "fp8" else {}


def _on_host(job: Job) -> bool:
    return bool(job.plan.get("device", "cuda") == "cpu")
