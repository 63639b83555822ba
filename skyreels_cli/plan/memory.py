"""Memory that a film needs: weights, working memory of transformer and VAE, host memory, and the peaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.weights import BYTES, VAE_TILE, VAE_TILE_STRIDE, WeightsSpec
from skyreels_cli.plan.caching import cache_estimate
from skyreels_cli.plan.compute import TEXT_TOKENS, TransformerShape, tokens_per_frame
from skyreels_cli.plan.plan import Estimate, Windows
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.weights import weights_of

# The transformer in skyreels_cli/model works on tokens in slices of whole frames, and keeps the prompt's keys and
# values between steps where the window is small.
SLICE_TOKENS = 4096
KEEP_KEYS_UP_TO_TOKENS = 8192

# Live storage while AutoencoderKLWan (base_dim 96) decodes latent by latent, from the third on, when each convolution
# remembers two frames: 10.2 GB at 544x960 in float32, 5.3 GB in bfloat16. Encoding takes less.
DECODE_BYTES_PER_PIXEL = {"float32": 19_540, "bfloat16": 10_180}

# Measured: a Python process with torch, diffusers and transformers imported; ffmpeg at 544x960 and 720x1280,
# where SVT-AV1 takes most (85 MB and 374 bytes per pixel).
PROCESS_BYTES = 0.4e9
ENCODER_BYTES, ENCODER_BYTES_PER_PIXEL = 0.1e9, 400

# UMT5-XXL, of which the embeddings (1.05 of 5.68 billion parameters) and two of 24 blocks are on the device.
TEXT_ENCODER_STREAMED = 0.26

OffloadMode = Literal["none", "model", "stream"]
HOW: Mapping[OffloadMode, str] = {
    "none": "all of transformer and VAE on the device",
    "model": "transformer and VAE in turns, the text encoder streamed",
    "stream": "two blocks at a time, then the VAE",
}

# What a film on the CPU has resident beyond live storage, most likely kept by the C allocator: fitted to the ten films
# of tests/benchmarks/bench_memory.py, from 112x64 to 448x256 pixels.
KEPT_BYTES, KEPT_BYTES_PER_PIXEL = 0.37e9, 16.8e3


@dataclass(frozen=True)
class Need:
    """Peaks in bytes on the device and on its host; `offload` is what leaves the device between uses."""

    offload: OffloadMode
    device: float
    host: float


def needs(recipe: Recipe, facts: ModelFacts, windows: Windows) -> Mapping[OffloadMode, Need]:
    """What a film takes in each way of offloading."""
    return _needs(weights_of(recipe, facts), _parts(recipe, facts, windows))


def memory_estimates(recipe: Recipe, facts: ModelFacts, windows: Windows) -> dict[str, Estimate]:
    """Bytes of `weights_*`, `activations`, `cache`, `vae_decode`, `host`, and the peaks on the device, `memory*`."""
    parts = _parts(recipe, facts, windows)
    peaks = _needs(weights_of(recipe, facts), parts)
    return {**{_peak_name(offload): _peak(need) for offload, need in peaks.items()}, **parts}


def _parts(recipe: Recipe, facts: ModelFacts, windows: Windows) -> dict[str, Estimate]:
    """What takes memory, one by one."""
    weights = weights_of(recipe, facts)
    cache = cache_estimate(recipe, facts, windows, BYTES[recipe.dtype])
    return {
        **{f"weights_{part.name}": _component(weights, part) for part in facts.components},
        "activations": activations_estimate(recipe, facts, windows),
        **({"cache": cache} if cache else {}),
        "vae_decode": decode_estimate(recipe, facts),
        "host": host_estimate(recipe, facts, windows),
    }


def _needs(weights: WeightsSpec, parts: Mapping[str, Estimate]) -> Mapping[OffloadMode, Need]:
    """What is there at the same time.

    Encoders are freed before the transformer is loaded, and the transformer does not run while the VAE decodes.
    """
    size = {name: estimate.value for name, estimate in parts.items()}
    transformer, vae, text = size["weights_transformer"], size["weights_vae"], size["weights_text_encoder"]
    image, host, decode = size.get("weights_image_encoder", 0.0), size["host"], size["vae_decode"]
    working = size["activations"] + size.get("cache", 0.0)
    streamed = weights.streamed_bytes(weights.base.transformer, TransformerShape.of(weights.base).layers)
    encoding = max(text * TEXT_ENCODER_STREAMED, image)
    resting = host + max(transformer + vae, text)
    found = (
        Need("none", max(text, image, transformer + vae + max(working, decode)), host),
        Need("model", max(encoding, transformer + working, vae + decode), resting),
        Need("stream", max(encoding, streamed + working, vae + decode), resting),
    )
    return {need.offload: need for need in found}


def _peak_name(offload: OffloadMode) -> str:
    return "memory" if offload == "none" else f"memory_offload_{offload}"


def _peak(need: Need) -> Estimate:
    basis = f"{HOW[need.offload]}; weights and working memory of the heaviest phase, no allocator slack"
    return Estimate(need.device, "B", basis)


def _component(weights: WeightsSpec, component: Component) -> Estimate:
    """Weights of a component as they rest in memory."""
    kinds = ", ".join(sorted(component.parameters))
    basis = (
        f"{component.parameter_count:,} parameters, {kinds} on disk, computed in {weights.computed_in(component.name)}"
    )
    return Estimate(float(weights.resident_bytes(component)), "B", basis)


def activations_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows) -> Estimate:
    """Peak of a forward pass over the longest window.

    5nd for hidden states, queries, keys, values and attention output; 2s·ff for a slice of s tokens in the
    feed-forward layer, with 3sd of float32 temporaries; 2·layers·512·d a text for the prompt's keys and
    values where they are kept; a block's matrices while they are unpacked. Modulation, per latent frame, is 6fd in
    float32: 4 MB at the most.
    """
    shape, per_frame = TransformerShape.of(facts), tokens_per_frame(recipe, facts)
    size = BYTES[recipe.dtype]
    tokens = windows.largest(lambda window: window.forward_latents) * per_frame
    part = min(tokens, max(per_frame, SLICE_TOKENS))
    total = hidden_bytes(tokens, shape, size) + part * (2 * shape.ffn_dim * size + 3 * shape.dim * 4)
    if tokens <= KEEP_KEYS_UP_TO_TOKENS:
        texts = max(len(shot.texts) for shot in recipe.story)
        total += 2 * shape.layers * TEXT_TOKENS * shape.dim * size * texts
    total += weights_of(recipe, facts).unpacked_bytes(facts.transformer, shape.layers)
    basis = f"{tokens:,} tokens: hidden states, q, k, v, attention output; feed-forward {part:,} tokens at a time"
    return Estimate(float(total), "B", basis)


def hidden_bytes(tokens: int, shape: TransformerShape, size: int) -> int:
    """Hidden states, queries, keys, values and attention output of a layer: 5nd elements of `size` bytes."""
    return 5 * tokens * shape.dim * size


def decode_estimate(recipe: Recipe, facts: ModelFacts) -> Estimate:
    """Working memory of the VAE, which is the same for any number of frames; in tiles, of one of them."""
    dim = int(facts.vae.config.get("decoder_base_dim") or facts.vae.config.get("base_dim", 96))
    width, height = recipe.width, recipe.height
    tiles = ""
    if recipe.vae == "tiled":
        width, height, tiles = min(width, VAE_TILE), min(height, VAE_TILE), f", a tile of {VAE_TILE} pixels at a time"
    dtype = weights_of(recipe, facts).computed_in("vae")
    value = DECODE_BYTES_PER_PIXEL[dtype] * width * height * dim / 96
    basis = f"{dtype}, one latent frame at a time, {recipe.resolution} pixels, {dim} channels{tiles}"
    return Estimate(value, "B", basis)


def host_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows) -> Estimate:
    """Bytes of the process, of frames that wait for the encoder or the next window, and of ffmpeg."""
    frames = 2 * facts.temporal_stride + windows.largest(lambda window: window.drop_frames)
    pixels = recipe.width * recipe.height
    kept = min(KEPT_BYTES, KEPT_BYTES_PER_PIXEL * pixels)
    waiting = frames * pixels * 3 * 4 + (_tiled_bytes(recipe, facts, windows) if recipe.vae == "tiled" else 0.0)
    value = PROCESS_BYTES + kept + waiting + ENCODER_BYTES + ENCODER_BYTES_PER_PIXEL * pixels
    basis = f"the program, {frames} frames in float32, the video encoder; on a CPU, or offloaded, weights as well"
    return Estimate(float(value), "B", basis)


def _tiled_bytes(recipe: Recipe, facts: ModelFacts, windows: Windows) -> float:
    """Frames of all tiles of a window in float32, and what their chains remember if the next window goes on with them.

    Half of what decoding takes is the memory of chains.
    """
    latents = windows.largest(lambda window: window.latents)
    overlapping = recipe.width * recipe.height * (VAE_TILE / VAE_TILE_STRIDE) ** 2
    frames = latents * facts.temporal_stride * overlapping * 3 * 4
    chains = overlapping * DECODE_BYTES_PER_PIXEL["bfloat16"] / 2 if recipe.join == "latents" else 0.0
    return frames + chains
