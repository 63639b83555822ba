"""Shots: parts of a film with a prompt each, which go on from the shot before or start afresh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isinf
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.camera import Camera, in_words
from skyreels_cli.recipe.choices import LONGEST_PROMPT, MAX_FRAMES, MAX_SEED
from skyreels_cli.recipe.duration import frames_in, parse_seconds

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Guidance = Annotated[float, Field(ge=0, le=100)]
Frames = Annotated[int, Field(ge=1, le=MAX_FRAMES)]
Prompt = Annotated[str, Field(max_length=LONGEST_PROMPT)]


class ShotDraft(BaseModel):
    """A shot of a draft; unset fields are taken from the film."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    camera: Camera | None = Field(None, description="what it leaves unsaid is the film's")
    num_frames: Frames | None = None
    duration: str | None = Field(None, description="10s, 2m, a number of seconds; the last shot may be inf")
    seed: Seed | None = None
    guidance_scale: Guidance | None = None
    image: str | None = Field(None, description="the first frame; needs a fresh start")
    end_image: str | None = None
    cut: bool = Field(False, description="start afresh instead of going on from what came before")


class Shot(BaseModel):
    """A shot of a recipe; without `seed` it draws from the film's, and without `num_frames` it is endless."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str
    negative_prompt: str
    camera: Camera | None = None
    num_frames: Frames | None
    guidance_scale: float
    seed: Seed | None = None
    image: str | None = None
    end_image: str | None = None
    cut: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The prompt of each forward pass, which is the negative one too under guidance."""
        return (self.prompt, self.negative_prompt) if self.guidance_scale > 1 else (self.prompt,)


def shot_problems(shots: Sequence[ShotDraft]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Contradictions between the fields of shots: the path (`0, "image"`) and what is wrong there."""
    for index, shot in enumerate(shots):
        if shot.image and index and not shot.cut:
            yield (index, "image"), "only a shot with `cut: true` (or the first) can start from an image"
        if shot.duration is None and shot.num_frames is None:
            yield (index,), "how long is it? neither num_frames nor duration says"
        elif shot.duration is not None:
            for message in _duration_problems(shot.duration, shot, last=index == len(shots) - 1):
                yield (index, "duration"), message


def _duration_problems(duration: str, shot: ShotDraft, *, last: bool) -> Iterator[str]:
    try:
        endless = isinf(parse_seconds(duration))
    except UsageError as error:
        yield error.message
        return
    if shot.num_frames is not None:
        yield "num_frames says already how long the shot is"
    if endless and not last:
        yield "only the last shot can be endless"


def complete_shots(shots: Sequence[ShotDraft], film: Shot, fps: Fraction) -> list[Shot]:
    """Take unset fields from the `film`; its image starts the first shot, and its end image ends the last."""
    cameras = [shot.camera.over(film.camera) if shot.camera else film.camera for shot in shots]
    return [
        Shot(
            prompt=in_words(_prompt(shot, film, index), cameras[index]),
            negative_prompt=film.negative_prompt if shot.negative_prompt is None else shot.negative_prompt,
            camera=cameras[index],
            num_frames=frames_in(shot.duration, fps) if shot.duration else shot.num_frames,
            guidance_scale=film.guidance_scale if shot.guidance_scale is None else shot.guidance_scale,
            seed=shot.seed,
            image=shot.image or (film.image if index == 0 else None),
            end_image=shot.end_image or (film.end_image if index == len(shots) - 1 else None),
            cut=shot.cut,
        )
        for index, shot in enumerate(shots)
    ]


def _prompt(shot: ShotDraft, film: Shot, index: int) -> str:
    prompt = shot.prompt or film.prompt
    if not prompt.strip():
        message = f"shot {index + 1} has no prompt, and neither has the film"
        raise UsageError("no-prompt", message, 'prompt: "a red ball rolls over water"')
    return prompt
