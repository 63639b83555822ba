"""From what stands in the form to a job, or to an error that says what is wrong: as `queue add`, but for a screen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.hub.catalogue import bundled_models
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.open import open_model
from skyreels_cli.media.codecs import check_container
from skyreels_cli.media.output import check_output, default_output
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import options_model, parse_options
from skyreels_cli.plugins.specs import CacheSpec, ParallelSpec, SchedulerSpec, Spec
from skyreels_cli.queue.job import Job, NewJob
from skyreels_cli.queue.settle import settle_job
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.plugin_choices import chosen_specs
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.validate import make_draft
from skyreels_cli.settings import load_settings

RECIPE_FIELDS = (
    *("prompt", "negative_prompt", "model", "resolution", "aspect", "num_frames", "duration", "fps", "image"),
    *("end_image", "seed", "inference_steps", "guidance_scale", "shift", "scheduler", "ar_step", "causal_block_size"),
    *("causal_attention", "base_num_frames", "overlap_history", "addnoise_condition", "join", "color_match", "cache"),
    *("parallel", "dtype", "codec", "quality"),
)
NOT_OF_THE_RECIPE = ("output", "priority")
PLUGINS: dict[str, type[Spec]] = {"scheduler": SchedulerSpec, "cache": CacheSpec, "parallel": ParallelSpec}


@dataclass(frozen=True)
class FormStart:
    """What a form begins with: values as text by field, those that it does not show, and the job that is edited.

    Options of plugins are fields called `teacache.threshold`.
    """

    values: dict[str, str]
    kept: dict[str, Any]
    job: Job | None = None


@dataclass(frozen=True)
class OptionField:
    """A field for an option of a plugin: what the option is about, and what it comes to if the field stays empty."""

    name: str
    help: str
    value: str


def start_from(draft: Mapping[str, Any], job: Job | None = None) -> FormStart:
    """Spread a draft over the fields of the form and the rest."""
    values = {name: str(draft[name]) for name in RECIPE_FIELDS if draft.get(name) is not None}
    values |= {
        f"{plugin}.{name}": as_text(value)
        for plugin, options in (draft.get("options") or {}).items()
        for name, value in options.items()
    }
    if job:
        values |= {"output": job.output, "priority": str(job.priority)}
    hidden = (*RECIPE_FIELDS, "options", "description")
    return FormStart(values, {name: value for name, value in draft.items() if name not in hidden}, job)


def choices(name: str) -> list[str]:
    """The words that a field of the recipe may hold; none if it is free."""
    if name in PLUGINS:
        return list(plugins().specs(PLUGINS[name]))
    annotation = Draft.model_fields[name].annotation
    return [str(word) for kind in get_args(annotation) for word in get_args(kind) if get_origin(kind) is Literal]


def option_fields(recipe: Mapping[str, Any]) -> list[OptionField]:
    """The options of the plugins that a recipe chooses, as their one declaration has them."""
    return [
        OptionField(f"{spec.name}.{name}", field.description or "", as_text(recipe["options"][spec.name][name]))
        for spec in chosen_specs(Recipe.model_validate(recipe))
        for name, field in options_model(spec).model_fields.items()
    ]


def propose(start: FormStart, typed: Mapping[str, str], store: Store) -> NewJob:
    """The job that the form describes, planned; raises the UsageError that `queue add` would raise.

    An empty field leaves the value to the model. Nothing is downloaded: a model that is not on this machine is an
    error that says how to fetch it.
    """
    said = {name: text.strip() for name, text in typed.items() if text.strip()}
    words = {name: text for name, text in said.items() if name in RECIPE_FIELDS}
    options = parse_options([f"{name}={text}" for name, text in said.items() if "." in name])
    draft = make_draft({**start.kept, **words, **({"options": options} if options else {})})
    if draft.lora:
        message, hint = "LoRA files are not there yet", "use a model folder into which the LoRA is merged"
        raise UsageError("not-built-yet", message, hint)
    facts = _open_here(draft.model or _default_model())
    recipe = complete(draft, facts)
    before = start.job
    return settle_job(
        draft,
        recipe,
        facts,
        store,
        _output(said.get("output"), recipe, before),
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


def as_text(value: Any) -> str:
    """A value as people type it: `false`, `[1, 2]`."""
    return value if isinstance(value, str) else json.dumps(value)
