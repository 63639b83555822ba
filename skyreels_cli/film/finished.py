"""Recognises a finished film by what its tag, or else its sidecar, says of it."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.film.events import FilmDone
from skyreels_cli.film.folder.manifest import read_record
from skyreels_cli.film.folder.record import FilmRecord
from skyreels_cli.film.identity import identity_of, sidecar_of
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.plan import Plan
from skyreels_cli.recipe.inputs import portable
from skyreels_cli.recipe.rate import rate_number
from skyreels_cli.recipe.schema import Recipe, with_later_fields
from skyreels_cli.recipe.weights import weights_of

CIRCUMSTANCES = ("version", "libraries.")
"""What does not make it another film: with which versions of the program it was made."""


def finished_film(output: Path, recipe: Recipe, plan: Plan, facts: ModelFacts) -> FilmDone | None:
    """The film of this recipe and model, if that is what lies there; weights are read only if all else agrees."""
    made = identity_of(output)
    said = portable(recipe.model_dump(mode="json", by_alias=True))
    if made is None or with_later_fields(made["recipe"]) != said:
        return None
    record = FilmRecord(recipe, plan, weights_of(recipe, facts))
    changes = record.differences({key: made.get(key) for key in record.identity()})
    if not all(change.startswith(CIRCUMSTANCES) for change in changes):
        return None
    return _as_done(output, recipe, plan, facts)


def _as_done(output: Path, recipe: Recipe, plan: Plan, facts: ModelFacts) -> FilmDone:
    from skyreels_cli.media.video import open_video

    video, result = open_video(output), (read_record(sidecar_of(output)) or {}).get("result", {})
    return FilmDone(
        output=str(output),
        frames=video.frames,
        fps=rate_number(video.fps),
        width=plan.width,
        height=plan.height,
        duration_s=float(video.frames / video.fps),
        seed=recipe.seed,
        windows=len(plan.windows),
        steps=plan.total_rows or 0,
        model=facts.name,
        elapsed_s=result.get("elapsed_s", 0.0),
        peak_memory_bytes=result.get("peak_memory_bytes", 0),
        recipe=recipe.model_dump(mode="json", by_alias=True),
    )
