"""Refuses what a model cannot render, before a weight is loaded, and names the nearest that it can."""

from __future__ import annotations

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.catalogue import RELEASES
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.family import family_named
from skyreels_cli.plan.frames import pixel_frames
from skyreels_cli.recipe.schema import Recipe


def check_family(recipe: Recipe, facts: ModelFacts) -> None:
    """Refuse what the model's family cannot do, and ask for the image that it cannot do without."""
    family = facts.traits
    _check_images(recipe, facts)
    if family.forcing:
        return
    asked = {
        "going on with a video": recipe.video,
        "--end-image": any(shot.end_image for shot in recipe.story),
        "--ar-step": recipe.ar_step,
        "--causal-attention": recipe.causal_attention,
        "--join rolling": recipe.join == "rolling",
        "--addnoise-condition auto": recipe.addnoise_condition == "auto",
        "--latent-anchor": recipe.latent_anchor,
        "--frame-sink": recipe.frame_sink,
        "--history-guidance": recipe.history_guidance != 1,
    }
    beyond = ", ".join(option for option, value in asked.items() if value)
    if beyond:
        raise needs_forcing(beyond, facts)


def _check_images(recipe: Recipe, facts: ModelFacts) -> None:
    """A family may do without an image, need one for every shot, or have no use for one."""
    wanted, given = facts.traits.image, [shot.image is not None for shot in recipe.story]
    if wanted == "refused" and any(given):
        raise needs_forcing("--image", facts)
    if wanted == "required" and not all(given):
        which = f"shot {given.index(False) + 1} has none" if len(given) > 1 else "none is given"
        message = f"{facts.name} is an {facts.traits.title} model, which starts from an image, and {which}"
        raise UsageError("image-missing", message, "--image first.png")


def check_one_window(recipe: Recipe, facts: ModelFacts) -> None:
    """Refuse films beyond the one window that a model which needs an image can render: its image is not repeated."""
    longest = max((shot.num_frames or 0 for shot in recipe.story), default=0)
    if facts.traits.image == "required" and longest > recipe.base_num_frames:
        message = (
            f"{longest} frames are more than the one window of {recipe.base_num_frames} that {facts.name} renders; "
            "a DF model goes on from window to window, from an image too"
        )
        raise UsageError("plan-window-too-long", message, f"--num-frames {recipe.base_num_frames}")


def needs_forcing(what: str, facts: ModelFacts) -> UsageError:
    """The error for a request that only DF models can fulfil."""
    capable = [release.alias for release in RELEASES if family_named(release.family).forcing]
    article = "an" if facts.traits.title[0] in "aeio" else "a"
    message = f"{facts.name} is {article} {facts.traits.title} model: {what} needs a DF model ({', '.join(capable)})"
    return UsageError("model-family", message, f"--model {capable[0]}")


def check_size(recipe: Recipe, facts: ModelFacts) -> None:
    """Refuse a width or height that is no multiple of a token's size in pixels, naming the two nearest multiples."""
    _, patch_height, patch_width = facts.patch
    sides = (
        ("width", recipe.width, facts.spatial_stride * patch_width),
        ("height", recipe.height, facts.spatial_stride * patch_height),
    )
    problems = [
        f"{name} {pixels} is not divisible by {step} (the nearest: {_neighbours(pixels, step)})"
        for name, pixels, step in sides
        if not pixels or pixels % step
    ]
    if problems:
        width, height = (max(step, round(pixels / step) * step) for _, pixels, step in sides)
        raise UsageError("plan-resolution", "; ".join(problems), f"--resolution {width}x{height}")


def _neighbours(pixels: int, step: int) -> str:
    below = pixels // step * step
    return f"{below} or {below + step}" if below else str(step)


def check_positions(recipe: Recipe, facts: ModelFacts, latents: int) -> None:
    """Refuse a longest window of so many latent frames, or pictures, beyond the model's rotary embedding."""
    limit = int(facts.transformer.config.get("rope_max_seq_len", 1024))
    if latents > limit:
        end_frame = any(shot.end_image for shot in recipe.story)
        fits = pixel_frames(limit - end_frame, facts.temporal_stride)
        option = "--base-num-frames" if facts.traits.forcing else "--num-frames"
        raise UsageError(
            "plan-window-too-long",
            f"a window of {latents} latent frames exceeds the {limit} positions of {facts.name}: "
            f"at most {fits} frames fit into one window",
            f"{option} {fits}",
        )
    side = limit * facts.spatial_stride * min(facts.patch[1:])
    if max(recipe.width, recipe.height) > side:
        message = f"{recipe.resolution} is too large: {facts.name} knows positions up to {side} pixels a side"
        raise UsageError("plan-resolution", message, "--resolution 540P")


def check_rerolls(recipe: Recipe, windows: int) -> None:
    """Refuse a re-roll of a window that the film does not have; an endless film has every window."""
    beyond = [reroll.window for reroll in recipe.rerolls if reroll.window >= windows]
    if beyond and recipe.num_frames is not None:
        message = f"the film has {windows} windows: there is no window {beyond[0] + 1}"
        raise UsageError("plan-rerolls", message, f"--from-window {windows}")
