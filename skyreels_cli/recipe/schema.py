"""What to render: a `Draft` holds the fields that somebody set, a `Recipe` holds all of them.

A preset file, the typed flags and the metadata of a video are drafts; `recipe.merge` merges them and `recipe.complete`
adds the defaults of the model. Environment variables and machine settings change neither, so that a shared recipe
renders alike everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from skyreels_cli.recipe.camera import Camera
from skyreels_cli.recipe.choices import (
    MAX_FRAMES,
    AskedDtype,
    AskedWeightsDtype,
    Aspect,
    Codec,
    ColorMatch,
    Dtype,
    Join,
    Vae,
    WeightsDtype,
)
from skyreels_cli.recipe.condition_noise import ConditionNoise
from skyreels_cli.recipe.enhancement import Enhancement
from skyreels_cli.recipe.rate import Rate
from skyreels_cli.recipe.rerolls import Reroll, add_reroll
from skyreels_cli.recipe.shots import Guidance, Prompt, Seed, Shot, ShotDraft


def _split_dtype(values: Any) -> Any:
    """Take `dtype: fp8`, as recipes said before weights had a dtype of their own, for what it meant."""
    if isinstance(values, Mapping) and values.get("dtype") == "fp8":
        return {"weights_dtype": "fp8", **values, "dtype": "bfloat16"}
    return values


class Draft(BaseModel):
    """A partial recipe: unset fields are None; numbers are accepted where text is expected (`duration: 10`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, coerce_numbers_to_str=True)

    _read_old = model_validator(mode="before")(_split_dtype)

    schema_version: Literal[1] = Field(1, alias="schema")
    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    camera: Camera | None = Field(None, description="how the camera sees it; the prompt is completed accordingly")
    prompt_enhancer: str | None = Field(None, description="who completes the prompt before the film is planned")
    story: Prompt | None = Field(None, description="what the shots tell that a prompt enhancer shall write")
    story_shots: int | None = Field(None, ge=1, le=100, description="how many")
    enhanced: Enhancement | None = None
    model: str | None = None
    resolution: str | None = Field(None, description="540P, 720P or WIDTHxHEIGHT in pixels")
    aspect: Aspect | None = None
    num_frames: int | None = Field(None, ge=1, le=MAX_FRAMES)
    duration: str | None = Field(None, description="10s, 2m, a number of seconds, or inf")
    fps: Rate | None = Field(None, description="24, 23.976 or 24000/1001")
    image: str | None = None
    end_image: str | None = None
    video: str | None = Field(None, description="a video that the film goes on with; num_frames counts new frames")
    reference_count: bool | None = Field(None, description="num_frames counts overlap_history as well")
    seed: Seed | None = None
    inference_steps: int | None = Field(None, ge=1, le=1000)
    guidance_scale: Guidance | None = None
    shift: float | None = Field(None, gt=0, le=100)
    ar_step: int | None = Field(None, ge=0, le=1000)
    causal_block_size: int | None = Field(None, ge=1)
    causal_attention: bool | None = None
    base_num_frames: int | None = Field(None, ge=1)
    overlap_history: int | None = Field(None, ge=1)
    addnoise_condition: ConditionNoise | None = Field(None, description="auto: as much as is on what follows")
    history_guidance: Guidance | None = Field(None, description="pull towards what came before; 1: none")
    join: Join | None = None
    color_match: ColorMatch | None = None
    latent_anchor: float | None = Field(None, ge=0, le=1, description="hold the first window's latent statistics")
    frame_sink: bool | None = Field(None, description="the first frame stays in front of every window")
    shots: list[ShotDraft] | None = Field(None, min_length=1)
    rerolls: list[Reroll] | None = None
    scheduler: str | None = None
    cache: str | None = None
    options: dict[str, dict[str, Any]] | None = Field(None, description="options of plugins, by plugin name")
    dtype: AskedDtype | None = Field(None, description="auto: what the machine computes best in")
    weights_dtype: AskedWeightsDtype | None = Field(None, description="auto: fp8 where memory is short")
    vae: Vae | None = Field(None, description="what the VAE computes in; tiled is bfloat16, part by part")
    base: str | None = Field(None, description="the model that has the parts which a single weights file lacks")
    lora: list[str] | None = Field(None, description="FILE or FILE:scale")
    codec: Codec | None = None
    quality: float | None = Field(None, ge=0, le=10)


class Recipe(BaseModel):
    """A complete recipe: everything that decides the frames of a film, apart from the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    _read_old = model_validator(mode="before")(_split_dtype)

    schema_version: Literal[1] = Field(1, alias="schema")
    prompt: str
    enhanced: Enhancement | None = None
    negative_prompt: str
    camera: Camera | None = Field(None, description="what the prompt was completed from; it holds the words already")
    model: str
    resolution: str = Field(pattern=r"^\d+x\d+$")
    num_frames: int | None = Field(ge=1, description="null: until it is told to end")
    fps: Rate
    image: str | None = None
    end_image: str | None = None
    video: str | None = None
    seed: int
    inference_steps: int
    guidance_scale: float
    shift: float
    ar_step: int = 0
    causal_block_size: int = 1
    causal_attention: bool = False
    base_num_frames: int
    overlap_history: int
    addnoise_condition: ConditionNoise = 0
    history_guidance: float = 1.0
    join: Join = "pixels"
    color_match: ColorMatch = "off"
    latent_anchor: float = 0.0
    frame_sink: bool = False
    shots: list[Shot] = []
    rerolls: list[Reroll] = []
    scheduler: str = "unipc"
    cache: str | None = None
    options: dict[str, dict[str, Any]] = {}
    dtype: Dtype = "bfloat16"
    weights_dtype: WeightsDtype = "file"
    vae: Vae = "float32"
    base: str | None = None
    lora: list[str] = []
    codec: Codec = "h264"
    quality: float = 7.0

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.resolution.split("x")[0])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.resolution.split("x")[1])

    @property
    def story(self) -> tuple[Shot, ...]:
        """The shots of the film; one without `shots` is a single shot."""
        whole = Shot(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            camera=self.camera,
            num_frames=self.num_frames,
            guidance_scale=self.guidance_scale,
            image=self.image,
            end_image=self.end_image,
        )
        return tuple(self.shots) or (whole,)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every prompt and negative prompt of the film, once each."""
        reworded = [reroll.prompt for reroll in self.rerolls if reroll.prompt]
        return tuple(dict.fromkeys([text for shot in self.story for text in shot.texts] + reworded))

    def goes_on(self, shot: int) -> bool:
        """Whether a shot goes on from earlier frames, of the film or of a given video."""
        cut = self.shots[shot].cut if self.shots else False
        return not cut and (shot > 0 or self.video is not None)

    def with_reroll(self, reroll: Reroll) -> Recipe:
        """The recipe of the same film with one more re-roll."""
        return self.model_copy(update={"rerolls": add_reroll(self.rerolls, reroll)})

    def ended_at(self, frames: int) -> Recipe:
        """The recipe of an endless film that was ended after so many frames."""
        shots = list(self.shots)
        if shots:
            before = sum(shot.num_frames or 0 for shot in shots[:-1])
            shots[-1] = shots[-1].model_copy(update={"num_frames": frames - before})
        return self.model_copy(update={"num_frames": frames, "shots": shots})


def with_later_fields(said: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe (as JSON values) of an earlier version, with fields that have come since as it was made: at defaults."""
    fields = {field.alias or name: field for name, field in Recipe.model_fields.items()}
    later = {name: field.get_default() for name, field in fields.items() if not field.is_required()}
    return {**later, **said}
