"""Floating-point operations of a film, and the seconds that they take at a measured or an assumed rate."""

from __future__ import annotations

from dataclasses import dataclass

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.branches import guidance_branches
from skyreels_cli.plan.plan import Estimate, Window, Windows
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.weights import weights_of

TEXT_TOKENS = 512

# Dense bfloat16 on an H100: 370 TFLOP/s for FlashAttention 2, 790 for large matrices (tests/golden/REFERENCE.md §7).
ASSUMED_FLOPS_PER_SECOND = 400e12
# The VAE runs in float32, where an H100 gives 60 TFLOP/s without TF32.
FLOAT32_SHARE = 60 / 400

# Of what a film does before its first window: what does not depend on the model, and bytes of weights per second.
LOADING_SECONDS, LOADING_RATE = 0.5, 1e9

# AutoencoderKLWan with base_dim 96 and 2 residual blocks to a stage, counted by FlopCounterMode at 544x960 (per pixel
# here); all but a few percent of it is convolution, which grows with the pixels and with the square of the channels.
_COUNTED_PIXELS, _COUNTED_DIM, _COUNTED_BLOCKS = 544 * 960, 96, 2
DECODE_FIRST = 5.6e12 / _COUNTED_PIXELS
DECODE_NEXT = 17.6e12 / _COUNTED_PIXELS
ENCODE_LATENT = 10.4e12 / _COUNTED_PIXELS


@dataclass(frozen=True)
class Speed:
    """Floating-point operations per second of the transformer and of the VAE; `basis` says where they are from.

    `preparing` are the seconds before a film's first window, None where they are left out.
    """

    transformer: float
    vae: float
    basis: str
    preparing: float | None = None


@dataclass(frozen=True)
class TransformerShape:
    """The sizes of a transformer that decide its cost."""

    layers: int
    dim: int
    ffn_dim: int

    @classmethod
    def of(cls, facts: ModelFacts) -> TransformerShape:
        """The sizes in the config of a model's transformer."""
        config = facts.transformer.config
        dim = int(config["num_attention_heads"]) * int(config["attention_head_dim"])
        return cls(int(config["num_layers"]), dim, int(config["ffn_dim"]))


def tokens_per_frame(recipe: Recipe, facts: ModelFacts) -> int:
    """Transformer tokens of one latent frame."""
    _, patch_height, patch_width = facts.patch
    stride = facts.spatial_stride
    return (recipe.height // (stride * patch_height)) * (recipe.width // (stride * patch_width))


def forward_flops(shape: TransformerShape, tokens: int) -> float:
    """One forward pass of the DiT over `tokens` and 512 text tokens, without the embeddings and the head.

    Per layer, with d wide: 8nd² + 4n²d (self-attention), 4nd² + 4td² + 4ntd (cross-attention), 4nd·ff
    (feed-forward); torch's FlopCounterMode agrees to five digits. Block-causal attention is counted in full.
    """
    n, d, t = tokens, shape.dim, TEXT_TOKENS
    linear = 12 * n * d * d + 4 * t * d * d + 4 * n * d * shape.ffn_dim
    return float(shape.layers * (linear + 4 * n * n * d + 4 * n * t * d))


def vae_dim(facts: ModelFacts) -> int:
    """Channels of the VAE at full resolution."""
    return int(facts.vae.config.get("base_dim", _COUNTED_DIM))


def vae_flops(recipe: Recipe, facts: ModelFacts, window: Window) -> float:
    """Floating-point operations of decoding a window's latents and of encoding its prefix and end frame.

    Joined otherwise than by pixels, a prefix that comes from the film itself is neither encoded nor decoded again.
    """
    known = 0 if window.fresh or recipe.join == "pixels" else window.prefix_latents
    encoded = window.prefix_latents - known + window.end_frame
    blocks = (int(facts.vae.config.get("num_res_blocks", _COUNTED_BLOCKS)) + 1) / (_COUNTED_BLOCKS + 1)
    per_pixel = DECODE_FIRST + DECODE_NEXT * (window.latents - known - 1) + ENCODE_LATENT * encoded
    return blocks * per_pixel * recipe.width * recipe.height * (vae_dim(facts) / _COUNTED_DIM) ** 2


def time_estimate(recipe: Recipe, facts: ModelFacts, windows: Windows, speed: Speed | None = None) -> Estimate:
    """Seconds that these windows take, at the `speed` of this machine or else at an assumed one."""
    speed = speed or assumed_speed(recipe)
    denoising = denoise_flops(recipe, facts, windows)
    vae = windows.total(lambda window: vae_flops(recipe, facts, window))
    scope = "per window: " if recipe.num_frames is None else ""
    before = None if recipe.num_frames is None else speed.preparing
    loading = "without loading" if before is None else f"{before:.2g} s of loading"
    basis = (
        f"{scope}{_tera(denoising)} TFLOP of denoising at {_tera(speed.transformer)} TFLOP/s and {_tera(vae)} TFLOP of "
        f"VAE at {_tera(speed.vae)} TFLOP/s ({speed.basis}); {loading} the model and encoding the prompt"
    )
    return Estimate(denoising / speed.transformer + vae / speed.vae + (before or 0.0), "s", basis)


def preparing_seconds(recipe: Recipe, facts: ModelFacts, speed: Speed) -> float:
    """Seconds of loading all parts, and of encoding the texts: two operations for each weight and token."""
    loaded = sum(weights_of(recipe, facts).resident_bytes(part) for part in facts.components)
    encoding = 2 * facts.text_encoder.parameter_count * TEXT_TOKENS * len(recipe.texts)
    return LOADING_SECONDS + loaded / LOADING_RATE + encoding / speed.transformer


def denoise_flops(recipe: Recipe, facts: ModelFacts, windows: Windows) -> float:
    """Floating-point operations of all forward passes: one per row of each window and guidance branch."""
    shape, per_frame = TransformerShape.of(facts), tokens_per_frame(recipe, facts)

    def passes(part: Window) -> float:
        return part.rows * len(guidance_branches(recipe, part)) * forward_flops(shape, part.forward_latents * per_frame)

    return windows.total(lambda window: sum(passes(part) for part in window.passes))


def assumed_speed(recipe: Recipe) -> Speed:
    """What is assumed where nothing was measured."""
    vae = ASSUMED_FLOPS_PER_SECOND * FLOAT32_SHARE
    transformer = vae if recipe.dtype == "float32" else ASSUMED_FLOPS_PER_SECOND
    return Speed(transformer, vae, "an assumption: an H100-class GPU")


def _tera(value: float) -> str:
    tera = value / 1e12
    return f"{tera:,.0f}" if tera >= 100 else f"{tera:.3g}"
