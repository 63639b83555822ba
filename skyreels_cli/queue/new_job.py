"""From an order to a job: what is kept so that nothing has to be decided again when its turn comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.media.output import output_exists
from skyreels_cli.order.order import Order
from skyreels_cli.order.request import Request
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.queue.assets import FIELDS as ASSET_FIELDS
from skyreels_cli.queue.job import NewJob

PLACEMENT = ("device", "offload", "attention", "compile", "gpus", "parallel")
"""Settings of a request that are a job's own; the others are the worker's."""


def new_job(order: Order, request: Request, **how: Any) -> NewJob:
    """The job of an order; `how` are further fields of NewJob.

    The draft is kept for those who edit the job; what it left open and must not change (seed, model, prompt, files) is
    written into it. Raises UsageError `queue-endless`, and `output-exists` if the film is there
    already.
    """
    if order.plan.endless:
        message = "an endless film would never let the next job begin"
        raise UsageError("queue-endless", message, "--duration 60s, or skyreels generate with --duration inf")
    if order.finished and order.output.absolute() != request.own_output:
        raise output_exists(order.output)
    draft, recipe = order.draft, order.recipe
    fixed = ["seed", "model", "base", *ASSET_FIELDS]
    fixed += [] if draft.shots else ["prompt"]  # shots have prompts of their own
    fixed += ["lora"] if draft.lora else []
    said = draft.model_copy(update={name: getattr(recipe, name) for name in fixed})
    return NewJob(
        draft=said.model_dump(mode="json", by_alias=True, exclude_none=True),
        recipe=recipe.model_dump(mode="json", by_alias=True),
        plan={**plan_data(order.plan), "family": order.facts.family},
        output=order.output.absolute(),
        output_is_default=request.output is None,
        overwrite=order.overwrite,
        keep_work=order.keep_work,
        placement=_placement(order, request),
        **how,
    )


def typed_placement(machine: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody said of the machine, as far as it concerns a job."""
    return {name: machine[name] for name in PLACEMENT if machine.get(name) is not None}


def _placement(order: Order, request: Request) -> dict[str, Any]:
    """What was said of the machine, as it was understood, and the options of the parallel backend if it has any."""
    said = {name: getattr(order.placement, name) for name in typed_placement(request.machine)}
    return {**said, "options": dict(order.placement.options)} if order.placement.options else said
