"""From a draft to a job: everything is decided that must not change between its attempts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.queue.assets import FIELDS as ASSET_FIELDS
from skyreels_cli.queue.job import NewJob
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.schema import Draft, Recipe


def settle_job(draft: Draft, recipe: Recipe, facts: ModelFacts, store: Store, output: Path, **how: Any) -> NewJob:
    """The job that a draft says, `recipe` being what it comes to with a model; `how` are fields of NewJob.

    The renderer completes the draft anew, with what memory and the model then allow: seed, model, prompt and files stay
    what they are now. Raises UsageError `queue-endless`, and those of the planner.
    """
    plan = make_plan(recipe, facts, store.pace(recipe.dtype))
    if plan.endless:
        message = "an endless film would never let the next job begin"
        raise UsageError("queue-endless", message, "--duration 60s, or skyreels generate with --duration inf")
    fixed = ["seed", "model", *ASSET_FIELDS, *([] if draft.shots else ["prompt"])]  # shots have prompts of their own
    return NewJob(
        draft=_said(draft.model_copy(update={name: getattr(recipe, name) for name in fixed})),
        recipe=recipe.model_dump(mode="json", by_alias=True),
        plan={**plan_data(plan), "family": facts.family},
        output=output.absolute(),
        **how,
    )


def _said(draft: Draft) -> dict[str, Any]:
    return draft.model_dump(mode="json", by_alias=True, exclude_none=True)
