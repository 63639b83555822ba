"""Turns a draft into a recipe, in which every field has a value, with the defaults of the model."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.lora import parse_lora
from skyreels_cli.media.image import image_size
from skyreels_cli.paths import absolute
from skyreels_cli.recipe.camera import in_words
from skyreels_cli.recipe.choices import MAX_FRAMES
from skyreels_cli.recipe.continued import continued
from skyreels_cli.recipe.defaults import default_overlap, family_defaults, model_defaults
from skyreels_cli.recipe.duration import frames_in
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.plugin_choices import complete_options
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.shots import Shot, complete_shots
from skyreels_cli.recipe.size import is_named, parse_size, turn

RANDOM_SEEDS = 2**32
AUTO = "auto"
LEFT_TO_MACHINE = ("dtype", "weights_dtype")
"""Fields in which `auto` leaves it to the machine; where else it is said, it is a value like any other."""


def draw_seed() -> int:
    """A seed where nobody has said one."""
    return secrets.randbelow(RANDOM_SEEDS)


def complete(draft: Draft, facts: ModelFacts) -> Recipe:
    """Lay the draft over the defaults of the model's family and of the model itself.

    Paths of images become absolute, so that the recipe means the same from another folder. Raises UsageError:
    `no-prompt`, `bad-resolution`, `bad-duration`, `shots-length`, `image-not-found`, `image-unreadable`, and those that
    `continued` raises.
    """
    if not (draft.prompt or "").strip() and not draft.shots:
        raise UsageError("no-prompt", "there is no prompt", 'skyreels generate "a red ball rolls over water"')
    whole = merge(family_defaults(facts, image=_starts_from_image(draft)), model_defaults(facts), draft)
    said = {name: value for name, value in whole if value is not None}
    overlap = _overlap(draft, said, facts)
    video = continued(draft, said, overlap, facts) if "video" in said else {}
    film = _film(said)
    shots = [_located(shot) for shot in complete_shots(whole.shots or (), film, video.get("fps", said["fps"]))]
    width, height = _size(draft, said, facts, shots or [film])
    decided: dict[str, Any] = {
        "prompt": in_words(film.prompt, film.camera) if film.prompt else shots[0].prompt,
        "model": facts.name,
        "resolution": f"{width}x{height}",
        "num_frames": _num_frames(said, film, shots),
        "shots": shots,
        "overlap_history": overlap,
        "seed": said.get("seed", draw_seed()),
        "image": film.image,
        "end_image": film.end_image,
        "base": _located_base(draft.base),
        "lora": [_located_lora(said_lora) for said_lora in said.get("lora", ())],
    }
    asked = {name: value for name, value in decided_values(said).items() if name in Recipe.model_fields}
    return complete_options(Recipe.model_validate(asked | decided | video))


def decided_values(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said without that which is left to the machine."""
    return {name: value for name, value in said.items() if name not in LEFT_TO_MACHINE or value != AUTO}


def _starts_from_image(draft: Draft) -> bool:
    return bool(draft.image or (draft.shots and draft.shots[0].image))


def _film(said: dict[str, Any]) -> Shot:
    """The film as a single shot, from which its shots take what they leave out."""
    length = frames_in(said["duration"], said["fps"]) if "duration" in said else said.get("num_frames")
    return _located(
        Shot(
            prompt=said.get("prompt", ""),
            negative_prompt=said["negative_prompt"],
            camera=said.get("camera"),
            num_frames=length,
            guidance_scale=said["guidance_scale"],
            image=said.get("image"),
            end_image=said.get("end_image"),
        )
    )


def _located(shot: Shot) -> Shot:
    """The same shot with absolute paths of its images."""
    given = {"image": shot.image, "end_image": shot.end_image}
    return shot.model_copy(update={name: str(absolute(path)) for name, path in given.items() if path})


def _located_lora(said: str) -> str:
    """`FILE:scale` with an absolute path; a strength of 1 is left out."""
    path, strength = parse_lora(said)
    return f"{path.absolute()}" + (f":{strength:g}" if strength != 1 else "")


def _located_base(said: str | None) -> str | None:
    path = Path(said).expanduser() if said else None
    return str(path.absolute()) if path and path.exists() else said


def _size(draft: Draft, said: dict[str, Any], facts: ModelFacts, story: Sequence[Shot]) -> tuple[int, int]:
    """Width and height; a portrait image makes a portrait film unless a size in pixels or an aspect is given."""
    width, height = parse_size(said["resolution"])
    images = [image_size(Path(image)) for shot in story for image in (shot.image, shot.end_image) if image]
    if "aspect" in said:
        return turn(width, height, said["aspect"], facts.spatial_stride * facts.patch[2])
    if images and images[0][1] > images[0][0] and is_named(draft.resolution or "540P"):
        return min(width, height), max(width, height)
    return width, height


def _num_frames(said: dict[str, Any], film: Shot, shots: Sequence[Shot]) -> int | None:
    """The length in frames, exactly as it was asked for, or the sum of all shots; None if the film is endless."""
    if not shots:
        return film.num_frames
    lengths = [shot.num_frames for shot in shots]
    total = None if None in lengths else sum(length or 0 for length in lengths)
    if said.keys() & {"num_frames", "duration"} and total != film.num_frames:
        message = f"the shots make {total or 'endless'} frames, but {film.num_frames or 'endless'} are asked for"
        raise UsageError("shots-length", message, "leave out --num-frames and --duration: the shots say how long it is")
    if total is not None and total > MAX_FRAMES:
        message = f"the shots make {total:,} frames; a film has at most {MAX_FRAMES:,}"
        raise UsageError("shots-length", message, "shorten one of them")
    return total


def _overlap(draft: Draft, said: dict[str, Any], facts: ModelFacts) -> int:
    """The overlap in frames that was asked for, else a default that is shorter than the window."""
    if draft.overlap_history is not None:
        return draft.overlap_history
    base, stride = said["base_num_frames"], facts.temporal_stride
    fallback = default_overlap(base, stride)
    model_default = said.get("overlap_history", fallback)
    return int(model_default) if model_default <= base - stride else fallback
