"""Memory that a film needs: weights, working memory of transformer and VAE, host memory, and the peaks."""

from __future__ import annotations

from skyreels_cli.hub.facts import Component, ModelFacts
from skyreels_cli.hub.weights import BYTES, WeightsSpec
from skyreels_cli.plan.caching import cache_estimate
from skyreels_cli.plan.compute import TEXT_TOKENS, TransformerShape, guidance_branches, tokens_per_frame
from skyreels_cli.plan.plan import Estimate, Windows
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.weights import weights_of

# The transformer in skyreels_cli/model works on tokens in slices of whole frames, and keeps the prompt's keys and
# values between steps where the window is small.
SLICE_TOKENS = 4096
KEEP_KEYS_UP_TO_TOKENS = 8192

# Live storage while AutoencoderKLWan (base_dim 96) decodes latent by latent in float32: 9.57 GB at 544x960,
# and the same per pixel at 720x1280 (16.88 GB).
DECODE_BYTES_PER_PIXEL = 9.57e9 / (544 * 960)

# Measured: a Python process with torch, diffusers and transformers imported; ffmpeg at 544x960 and 720x1280,
# where SVT-AV1 takes most (85 MB and 374 bytes per pixel).
PROCESS_BYTES = 0.4e9
ENCODER_BYTES, ENCODER_BYTES_PER_PIXEL = 0.1e9, 400

# What a film on the CPU has resident beyond live storage, most likely kept by the C allocator: fitted to the ten films
# of tests/benchmarks/bench_memory.py, from 112x64 to 448x256 pixels.
KEPT_BYTES, KEPT_BYTES_PER_PIXEL = 0.37e9, 18e3


def memory_estimates(recipe: Recipe, facts: ModelFacts, windows: Windows) -> dict[str, Estimate]:
    """Bytes of `weights_*`, `activations`, `cache`, `vae_decode`, `host`, and the peaks on the device, `memory*`.

    The text encoder is freed before the transformer is loaded, and the transformer does not run while the VAE decodes.
    """
    weights = weights_of(recipe, facts)
    parts = {component.name: _component(weights, component) for component in facts.components}
    transformer, vae = parts["transformer"], parts["vae"]
    encoders = [part.value for name, part in parts.items() if name not in ("transformer", "vae")]
    activations, decode = activations_estimate(recipe, facts, windows), decode_estimate(recipe, facts)
    cache = cache_estimate(recipe, facts, windows, BYTES[recipe.dtype])
    working = activations.value + (cache.value if cache else 0.0)
    streamed = 2 * transformer.value / TransformerShape.of(facts).layers
    denoising, decoding = transformer.value + working, vae.value + decode.value
    together = transformer.value + vae.value + max(working, decode.value)
    return {
        "memory": _peak("all of transformer and VAE on the device", *encoders, together),
        "memory_offload_model": _peak("transformer and VAE in turns", *encoders, denoising, decoding),
        "memory_offload_stream": _peak("two blocks at a time", streamed + working, decoding),
        **{f"weights_{name}": part for name, part in parts.items()},
        "activations": activations,
        **({"cache": cache} if cache else {}),
        "vae_decode": decode,
        "host": host_estimate(recipe, facts, windows),
    }


def _peak(how: str, *phases: float) -> Estimate:
    return Estimate(max(phases), "B", f"{how}; weights and working memory of the heaviest phase, no allocator slack")


def _component(weights: WeightsSpec, component: Component) -> Estimate:
    """Weights of a component as they rest in memory."""
    kinds = ", ".join(sorted(component.parameters))
    basis = f"{component.parameter_count:,} parameters, {kinds} on disk, computed in {weights.compute}"
    return Estimate(float(weights.resident_bytes(component)), "B", basis)


def activations_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows) -> Estimate:
    """Peak of a forward pass over the longest window.

    5nd for hidden states, queries, keys, values and attention output; 2s·ff for a slice of s tokens in the
    feed-forward layer, with 3sd of float32 temporaries; 2·layers·512·d a branch for the prompt's keys and
    values where they are kept. Modulation, per latent frame, is 6fd in float32: 4 MB at the most.
    """
    shape, per_frame = TransformerShape.of(facts), tokens_per_frame(recipe, facts)
    size = BYTES[recipe.dtype]
    tokens = windows.largest(lambda window: window.forward_latents) * per_frame
    part = min(tokens, max(per_frame, SLICE_TOKENS))
    total = hidden_bytes(tokens, shape, size) + part * (2 * shape.ffn_dim * size + 3 * shape.dim * 4)
    if tokens <= KEEP_KEYS_UP_TO_TOKENS:
        total += 2 * shape.layers * TEXT_TOKENS * shape.dim * size * guidance_branches(recipe)
    basis = f"{tokens:,} tokens: hidden states, q, k, v, attention output; feed-forward {part:,} tokens at a time"
    return Estimate(float(total), "B", basis)


def hidden_bytes(tokens: int, shape: TransformerShape, size: int) -> int:
    """Hidden states, queries, keys, values and attention output of a layer: 5nd elements of `size` bytes."""
    return 5 * tokens * shape.dim * size


def decode_estimate(recipe: Recipe, facts: ModelFacts) -> Estimate:
    """Working memory of the VAE, which is the same for any number of frames."""
    dim = int(facts.vae.config.get("decoder_base_dim") or facts.vae.config.get("base_dim", 96))
    value = DECODE_BYTES_PER_PIXEL * recipe.width * recipe.height * dim / 96
    basis = f"float32, one latent frame at a time, {recipe.resolution} pixels, {dim} channels"
    return Estimate(value, "B", basis)


def host_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows) -> Estimate:
    """Bytes of the process, of frames that wait for the encoder or the next window, and of ffmpeg."""
    frames = 2 * facts.temporal_stride + windows.largest(lambda window: window.drop_frames)
    pixels = recipe.width * recipe.height
    kept = min(KEPT_BYTES, KEPT_BYTES_PER_PIXEL * pixels)
    value = PROCESS_BYTES + kept + frames * pixels * 3 * 4 + ENCODER_BYTES + ENCODER_BYTES_PER_PIXEL * pixels
    basis = f"the program, {frames} frames in float32, the video encoder; on a CPU, or offloaded, weights as well"
    return Estimate(float(value), "B", basis)
