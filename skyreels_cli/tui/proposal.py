"""From what stands in the form to a job, or to an error that says what is wrong: as `queue add`, but for a screen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.order.intake import decide
from skyreels_cli.order.request import Request
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import options_model, parse_options
from skyreels_cli.plugins.specs import CacheSpec, ParallelSpec, SchedulerSpec, Spec
from skyreels_cli.queue.job import Job, NewJob
from skyreels_cli.queue.new_job import new_job, typed_placement
from skyreels_cli.recipe.plugin_choices import chosen_specs
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.unheard import check_heard
from skyreels_cli.recipe.validate import make_draft

RECIPE_FIELDS = (
    *("prompt", "negative_prompt", "model", "resolution", "aspect", "num_frames", "duration", "fps", "image"),
    *("end_image", "seed", "inference_steps", "guidance_scale", "shift", "scheduler", "ar_step", "causal_block_size"),
    *("causal_attention", "base_num_frames", "overlap_history", "addnoise_condition", "join", "color_match"),
    *("latent_anchor", "frame_sink", "history_guidance", "cache", "dtype", "weights_dtype", "vae", "base", "lora"),
    *("codec", "quality"),
)
LISTS = ("lora",)
"""Fields of several values, with commas between them."""
MACHINE_FIELDS = ("gpus", "parallel")
NOT_OF_THE_RECIPE = ("output", "priority")
FIELDS_OF_CODES = {
    "plan-window-too-long": ("num_frames",),
    "plan-endless": ("duration",),
    "queue-endless": ("duration",),
    "bad-suffix": ("output",),
}
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
    values |= {name: ", ".join(draft[name]) for name in LISTS if draft.get(name)}
    values |= {
        f"{plugin}.{name}": as_text(value)
        for plugin, options in (draft.get("options") or {}).items()
        for name, value in options.items()
    }
    if job:
        values |= {name: str(job.placement[name]) for name in MACHINE_FIELDS if job.placement.get(name) is not None}
        values |= {"output": job.output, "priority": str(job.priority)}
    hidden = (*RECIPE_FIELDS, "options", "description")
    return FormStart(values, {name: value for name, value in draft.items() if name not in hidden}, job)


def choices(name: str) -> list[str]:
    """The words that a field of the recipe may hold; none if it is free."""
    if name in PLUGINS:
        return list(plugins().specs(PLUGINS[name]))
    if name in MACHINE_FIELDS:
        return []
    annotation = Draft.model_fields[name].annotation
    return [str(word) for kind in get_args(annotation) for word in get_args(kind) if get_origin(kind) is Literal]


def option_fields(recipe: Mapping[str, Any]) -> list[OptionField]:
    """The options of the plugins that a recipe chooses, as their one declaration has them."""
    return [
        OptionField(f"{spec.name}.{name}", field.description or "", as_text(recipe["options"][spec.name][name]))
        for spec in chosen_specs(Recipe.model_validate(recipe))
        for name, field in options_model(spec).model_fields.items()
    ]


def propose(start: FormStart, typed: Mapping[str, str]) -> NewJob:
    """The job that the form describes, planned; raises the error that `queue add` would raise."""
    request = request_of(start, typed)
    before = start.job
    return new_job(
        decide(request),
        request,
        priority=_whole("priority", typed.get("priority", "").strip() or "0"),
        max_attempts=before.max_attempts if before else NewJob.max_attempts,
        degrade=before.degrade if before else NewJob.degrade,
    )


def request_of(start: FormStart, typed: Mapping[str, str]) -> Request:
    """What stands in the form as a request; an empty field leaves the value to the model.

    No text is written: that takes minutes, and somebody types.
    """
    said = {name: text.strip() for name, text in typed.items() if text.strip()}
    words: dict[str, Any] = {name: text for name, text in said.items() if name in RECIPE_FIELDS}
    words |= {name: [part.strip() for part in said[name].split(",")] for name in LISTS if name in said}
    machine = {name: text for name, text in said.items() if name in MACHINE_FIELDS}
    options = parse_options([f"{name}={text}" for name, text in said.items() if "." in name])
    before = start.job
    whole = make_draft({**start.kept, **words, **({"options": options} if options else {})})
    changed = {name for name in words if said[name] != start.values.get(name, "").strip()}
    untouched = dict.fromkeys(Draft.model_fields.keys() - changed)
    check_heard(whole.model_copy(update=untouched), whole.shots, "leave it as it was")
    return Request(
        typed=whole,
        machine={**(typed_placement(before.placement) if before else {}), **machine},
        output=Path(said["output"]) if "output" in said else None,
        overwrite=before.overwrite if before else False,
        keep_work=before.keep_work if before else False,
        own_output=before.output_path if before else None,
        enhance_later=True,
        queued=True,
    )


def field_of(error: SkyreelsError, fields: Sequence[str]) -> str | None:
    """The field that an error is about: the one that it names, else by the error's code; None if it is about none."""
    named = re.match(r"(?:options\.)?([\w.]+):", error.message)
    told = [named[1]] if named else []
    told += [name for name in PLUGINS if f" {name} " in error.message and error.code == "plugin-not-found"]
    kind, _, subject = error.code.partition("-")
    told += [subject.replace("-", "_"), kind, *FIELDS_OF_CODES.get(error.code, ())]
    return next((name for name in told if name in fields), None)


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError("bad-value", f"{name}: {text!r} should be a whole number", "0") from None


def as_text(value: Any) -> str:
    """A value as people type it: `false`, `[1, 2]`."""
    return value if isinstance(value, str) else json.dumps(value)
