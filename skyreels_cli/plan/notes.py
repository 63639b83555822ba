"""Notes on what a plan allows but a user may not expect, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.frames import pixel_frames
from skyreels_cli.plan.plan import Window, Windows
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.specs import CacheSpec
from skyreels_cli.recipe.defaults import family_defaults
from skyreels_cli.recipe.rate import rate_number
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.weights import weights_of

# The authors of SkyReels-V2 advise 20, and at most 50 (tests/golden/REFERENCE.md §3).
MOST_CONDITION_NOISE = 50
KNOWN_RATES = (16, 24)


def plan_notes(recipe: Recipe, facts: ModelFacts, windows: Windows) -> tuple[str, ...]:
    """One sentence for each thing about the plan that a user may not expect."""
    return (
        *_endless(recipe, windows[-1]),
        *_trimmed(windows),
        *_long_window(facts, windows[0]),
        *_lag(recipe, windows),
        *_without_history(recipe, windows),
        *_doubtful(recipe),
        *_amplified(recipe, windows),
        *_vae(recipe),
        *_rate(recipe),
        *_unsuited(recipe, facts),
        *_changed(recipe, facts),
    )


def _endless(recipe: Recipe, last: Window) -> Iterator[str]:
    if recipe.num_frames is None:
        seconds = float(last.new_frames / recipe.fps)
        yield (
            f"The film goes on until Ctrl-C: each window adds {last.new_frames} frames ({seconds:.1f} s), for which "
            "disk and time are given."
        )


def _trimmed(windows: Windows) -> Iterator[str]:
    trimmed = windows.total(lambda window: window.trim_frames)
    if trimmed:
        frames = "frame" if trimmed == 1 else "frames"
        rendered = windows.total(lambda window: window.new_frames) + trimmed
        where = "the last" if windows[-1].shot == 0 else "at the ends of shots"
        yield f"{rendered} frames are rendered and {where} {trimmed} {frames} trimmed."


def _long_window(facts: ModelFacts, first: Window) -> Iterator[str]:
    trained = trained_frames(facts)
    frames = pixel_frames(first.latents, facts.temporal_stride)
    if frames > trained:
        yield f"A window of {frames} frames is longer than the {trained} that the model was trained with."


def trained_frames(facts: ModelFacts) -> int:
    """Frames per window that the model was trained with: its own default, else its family's (97 or 121)."""
    of_family = family_defaults(facts, image=False).base_num_frames
    return int(facts.defaults.get("base_num_frames", of_family))


def _lag(recipe: Recipe, windows: Windows) -> Iterator[str]:
    if not recipe.ar_step:
        return
    if windows.largest(lambda window: sum(not block.ready for block in window.blocks)) == 1:
        yield f"ar_step {recipe.ar_step} has no effect: every window is a single block."
    elif recipe.ar_step > recipe.inference_steps:
        yield (
            f"ar_step {recipe.ar_step} is larger than needed: from {recipe.inference_steps} (the steps) on, "
            "blocks are rendered one after another."
        )


def _without_history(recipe: Recipe, windows: Windows) -> Iterator[str]:
    """What is asked for against drift in a film that has nowhere to drift to."""
    longest = windows.largest(lambda window: max(part.history_latents for part in window.passes))
    if longest == 1 and recipe.frame_sink:
        yield "frame_sink has no effect: an overlap of 1 frame would be nothing but the sink; 5 leave room for more."
    if longest:
        return
    asked = {
        "addnoise_condition": recipe.addnoise_condition == "auto",
        "latent_anchor": recipe.latent_anchor > 0,
        "history_guidance": recipe.history_guidance != 1,
    }
    for name in (name for name, is_asked in asked.items() if is_asked):
        yield f"{name} {getattr(recipe, name)} has no effect: no window goes on from another."


def _doubtful(recipe: Recipe) -> Iterator[str]:
    if recipe.causal_attention:
        yield "Causal attention is experimental: the released weights were not made for it."
    if recipe.addnoise_condition != "auto" and recipe.addnoise_condition > MOST_CONDITION_NOISE:
        yield (
            f"addnoise_condition {recipe.addnoise_condition} is above {MOST_CONDITION_NOISE}: "
            "the film may lose what came before."
        )


def _amplified(recipe: Recipe, windows: Windows) -> Iterator[str]:
    """What goes wrong with the bundled model within 20 windows."""
    rolls = windows.largest(lambda window: len(window.turns))
    if rolls and recipe.history_guidance > 1:
        yield (
            f"history_guidance {recipe.history_guidance} in a rolling film: what each block takes over is exaggerated "
            "again by the next, and colours may run away."
        )


def _vae(recipe: Recipe) -> Iterator[str]:
    """What a film says that is made again from the recipe of one for which memory was short, too."""
    if recipe.vae == "bfloat16":
        yield "The VAE computes in bfloat16: frames differ a little (about 60 dB) from those of --vae float32."
    elif recipe.vae == "tiled":
        yield "The VAE works in tiles: frames differ from those of --vae float32, mostly where tiles meet."


def _rate(recipe: Recipe) -> Iterator[str]:
    if recipe.video and round(recipe.fps) not in KNOWN_RATES:
        yield (
            f"The video has {rate_number(recipe.fps)} frames per second; the model knows 16 and 24, "
            "so the new motion may be faster or slower."
        )


def _unsuited(recipe: Recipe, facts: ModelFacts) -> Iterator[str]:
    if recipe.cache is None:
        return
    spec = plugins().find(CacheSpec, recipe.cache)
    if spec.df_warning and facts.traits.forcing:
        yield f"The cache {recipe.cache} does not suit diffusion-forcing models: {spec.df_warning}."
    if spec.memory is None:
        yield f"The cache {recipe.cache} does not say how much memory it keeps: the plan does not count it."


def _changed(recipe: Recipe, facts: ModelFacts) -> Iterator[str]:
    """What each LoRA has in common with the model."""
    for lora in weights_of(recipe, facts).loras:
        yield f"LoRA {lora.told}"
