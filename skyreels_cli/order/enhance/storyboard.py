"""From paragraphs to shots: lengths that fill the windows of the model, and the draft that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.order.enhance.answer import Paragraph
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.duration import frames_in
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.shots import ShotDraft


@dataclass(frozen=True)
class WindowGrid:
    """What decides how long a shot is best: frames of a window and of the overlap, both 4k+1, and the rate."""

    base: int = 97
    overlap: int = 17
    stride: int = 4
    fps: Fraction = Fraction(24)

    @property
    def added(self) -> int:
        """New frames of a window that goes on from another."""
        return self.base - self.overlap


def grid_of(draft: Draft, facts: ModelFacts) -> WindowGrid:
    """The grid of the film that a draft comes to on a model."""
    unwritten = {"story", "story_shots", "prompt_enhancer", "enhanced", "shots", "num_frames", "duration"}
    values = draft.model_dump(exclude_none=True, by_alias=True, exclude=unwritten)
    recipe = complete(Draft.model_validate({**values, "prompt": "x"}), facts)
    return WindowGrid(recipe.base_num_frames, recipe.overlap_history, facts.temporal_stride, recipe.fps)


def length_of(draft: Draft, fps: Fraction) -> int | None:
    """The frames that a draft asks for, if it does. Raises UsageError `story-endless`."""
    if draft.duration is None:
        return draft.num_frames
    frames = frames_in(draft.duration, fps)
    if frames is None:
        raise UsageError("story-endless", "a story comes to an end: --duration inf does not", "--duration 30s")
    return frames


def write_shots(paragraphs: Sequence[Paragraph], grid: WindowGrid, frames: int | None) -> list[ShotDraft]:
    """The shots, together as long as asked for."""
    fresh = [number == 0 or paragraph.cut for number, paragraph in enumerate(paragraphs)]
    lengths = shot_lengths(fresh, grid, frames)
    return [
        ShotDraft(prompt=paragraph.text, num_frames=length, cut=paragraph.cut)
        for paragraph, length in zip(paragraphs, lengths, strict=True)
    ]


def shot_lengths(fresh: Sequence[bool], grid: WindowGrid, frames: int | None) -> list[int]:
    """Frames of each shot (`fresh`: it does not go on from the one before), all of which make `frames` if given.

    Without a length each shot is one window. With one, every shot but the last is whole windows, as even as they go;
    where there are not so many, whole latents. Raises UsageError `story-short` if not every shot gets a latent.
    """
    lengths = [grid.base if is_fresh else grid.added for is_fresh in fresh]
    if frames is None:
        return lengths
    spare = frames - sum(lengths)
    if spare < 0:
        return _short_lengths(len(fresh), grid.stride, frames)
    for number in islice(cycle(range(len(lengths))), spare // grid.added):
        lengths[number] += grid.added
    lengths[-1] += spare % grid.added
    return lengths


def _short_lengths(count: int, stride: int, frames: int) -> list[int]:
    """Whole latents for each shot, as even as they go; the last takes what is left."""
    each = frames // count // stride * stride
    if each == 0:
        message = f"{frames} frames are too few for {count} shots: each takes {stride} or more"
        raise UsageError("story-short", message, "a longer --duration, or fewer --shots")
    return [each] * (count - 1) + [frames - each * (count - 1)]
