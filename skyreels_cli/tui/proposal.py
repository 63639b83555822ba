"""From what stands in the form to a job, or to an error that says what is wrong: as `queue add`, but for a screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.hub.catalogue import bundled_models
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.open import open_model
from skyreels_cli.media.codecs import check_container
from skyreels_cli.media.output import check_output, default_output
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.queue.job import Job, NewJob
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.validate import make_draft
from skyreels_cli.settings import load_settings

NOT_OF_THE_RECIPE = ("output", "priority")


@dataclass(frozen=True)
class Start:
    """What a form begins with: values as text by field, those that it does not show, and the job that is edited."""

    values: dict[str, str]
    kept: dict[str, Any]
    job: Job | None = None


def start_from(draft: Mapping[str, Any], shown: tuple[str, ...], job: Job | None = None) -> Start:
    """Spread a draft over the fields that the form shows and the rest."""
    values = {name: str(draft[name]) for name in shown if draft.get(name) is not None}
    if job:
        values |= {"output": job.output, "priority": str(job.priority)}
    kept = {name: value for name, value in draft.items() if name not in shown and name != "description"}
    return Start(values, kept, job)


def propose(start: Start, typed: Mapping[str, str], store: Store) -> NewJob:
    """The job that the form describes, planned; raises the UsageError that `queue add` would raise.

    An empty field leaves the value to the model. Nothing is downloaded: a model that is not on this machine is an
    error that says how to fetch it.
    """
    said = {name: text.strip() for name, text in typed.items() if text.strip()}
    recipe_words = {name: text for name, text in said.items() if name not in NOT_OF_THE_RECIPE}
    draft = make_draft({**start.kept, **recipe_words})
    facts = _open_here(draft.model or _default_model())
    recipe = complete(draft, facts)
    plan = make_plan(recipe, facts, store.pace(recipe.dtype))
    settled = {"seed": recipe.seed, "model": recipe.model, "image": recipe.image, "end_image": recipe.end_image}
    before = start.job
    return NewJob(
        draft={
            **draft.model_dump(mode="json", by_alias=True, exclude_none=True),
            **{name: value for name, value in settled.items() if value is not None},
        },
        recipe=recipe.model_dump(mode="json", by_alias=True),
        plan={**plan_data(plan), "family": facts.family},
        output=_output(said.get("output"), recipe, before),
        output_is_default="output" not in said,
        overwrite=before.overwrite if before else False,
        keep_work=before.keep_work if before else False,
        placement=before.placement if before else None,
        priority=_whole("priority", said.get("priority", "0")),
        max_attempts=before.max_attempts if before else NewJob.max_attempts,
        degrade=before.degrade if before else True,
    )


def _open_here(model: str) -> ModelFacts:
    """A model of this machine; a form must not start to download 30 GB while somebody types."""
    try:
        return open_model(model, snapshot=_from_cache)
    except RetryableError as error:
        raise UsageError("model-not-found", f"{model} is not on this machine", f"skyreels download {model}") from error


def _from_cache(
    repo_id: str,
    *,
    allow_patterns: list[str],
    local_files_only: bool = False,  # noqa: ARG001 - always
    dry_run: bool = False,  # noqa: ARG001
) -> str:
    from huggingface_hub import snapshot_download  # 0.2 s

    return str(snapshot_download(repo_id, allow_patterns=allow_patterns, local_files_only=True))


def _default_model() -> str:
    model = load_settings().model or next(iter(bundled_models()), None)
    if model is None:
        raise UsageError("no-model", "no model is chosen, and none is bundled", "df-1.3b-540p")
    return model


def _output(typed: str | None, recipe: Recipe, before: Job | None) -> Path:
    """Where the film goes, once it is certain that it can be written there."""
    now = datetime.now().astimezone()
    named = typed or default_output(recipe.prompt, recipe.seed, load_settings().outdir, recipe.codec, now)
    output = Path(named).expanduser().absolute()
    check_container(output, recipe.codec)
    if not (before and before.output == str(output)):
        check_output(output, overwrite=False)
    return output


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError("bad-value", f"{name}: {text!r} should be a whole number", "0") from None
