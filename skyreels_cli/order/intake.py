"""The intake: from what was asked for to an order, or to the error that says what would have gone wrong.

Command line and form come through here, and a film that was decided earlier (an unfinished one, a queued one) is taken
up again here; nobody else decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.film.finished import finished_film
from skyreels_cli.film.folder.manifest import read_manifest, work_folder
from skyreels_cli.film.identity import identity_of
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.ranks.split import BEST, check_split, describe_split
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.hub.catalogue import bundled_models, unknown_words
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.hub.open import open_model
from skyreels_cli.media.codecs import check_container
from skyreels_cli.media.output import check_output, check_space, default_output
from skyreels_cli.order.begun import as_made, find_begun
from skyreels_cli.order.continuation import (
    check_video_options,
    check_video_rate,
    like_video,
    lost_streams,
    prompt_of_video,
    video_bytes,
)
from skyreels_cli.order.enhance.stage import (
    is_asked,
    leave_for_later,
    reopened,
    take_texts,
    write_pending,
    write_texts,
)
from skyreels_cli.order.long_prompts import cut_prompts
from skyreels_cli.order.memory import check_fit, fit_decided, fit_new, misfit, nearest
from skyreels_cli.order.order import Order
from skyreels_cli.order.request import Request
from skyreels_cli.order.sources import value_sources
from skyreels_cli.order.speed import suit_machine
from skyreels_cli.paths import expanded
from skyreels_cli.plan.fitting import Way
from skyreels_cli.plan.machine import Machine
from skyreels_cli.plan.plan import Plan
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import AUTO, complete
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.presets.requirements import check_loras, check_model
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.sharing.load import load_for_use
from skyreels_cli.recipe.unheard import check_heard
from skyreels_cli.settings import Settings, load_settings

LISTED_WORDS = 6


def decide(request: Request, show: Callable[[str], object] = str) -> Order:
    """Decide everything; raises UsageError (or PluginError) for whatever would make the render fail later."""
    settings = load_settings(**request.machine)
    loaded = [load_for_use(preset, settings.presets_dir) for preset in request.presets]
    presets = {f"preset {preset.called}": preset.draft for preset in loaded}
    said = {"typed": request.typed, **dict(reversed(presets.items())), "the job": request.before}
    check_video_options(request.typed)
    notes: list[str] = []
    draft = merge(request.before, *presets.values(), request.typed)
    if request.typed.shots is None:
        check_heard(request.typed, draft.shots, "--shots story.yaml")
    draft = _prompted(draft, notes)
    made = _made(request.output)
    draft = as_made(draft, made)
    facts = open_model(draft.model or _default_model(settings, notes), draft.base, absent=request.only_plan)
    for preset in loaded:
        check_model(preset.requires, facts.name, preset.where)
        check_loras(preset.requires, draft.lora or (), preset.where)
    if request.go_on and request.output is None and (begun := find_begun(draft, facts, settings.outdir)):
        notes.append(f"going on with {begun}, which the same words began (-o FILE begins another)")
        request, made = replace(request, output=begun), _made(begun)
        draft = as_made(draft, made)
    draft = take_texts(reopened(draft), made)
    if is_asked(draft) and request.enhance_later:
        draft = leave_for_later(draft, facts)
    elif is_asked(draft):
        decide(replace(request, enhance_later=True))  # what else is wrong is said before a model writes for minutes
        draft = write_texts(draft, facts, notes, show)
    recipe = complete(draft, facts)
    _note_unknown_words(recipe, notes)
    notes += cut_prompts(recipe, facts)
    check_video_rate(request.typed, recipe)
    plan = make_plan(recipe, facts)
    placement = make_placement(settings, draft.options or {})
    recipe, plan, placement, way, why = _suited(recipe, plan, facts, draft, placement, settings, request)
    if way and not way.fits and (request.only_plan or way.machine.kind != "cuda"):
        notes.append(f"{misfit(way)}; this would: {nearest(recipe, facts, way.machine)}")
    else:
        check_fit(way, recipe, facts)
    output = _place(request, recipe, settings.outdir)
    finished = None if request.overwrite else finished_film(output, recipe, plan, facts)
    if finished is None:
        _check_output(request, output, recipe, plan, notes)
    notes += lost_streams(recipe, output)
    check_split(recipe, plan, facts, placement)
    return Order(
        recipe=recipe,
        facts=facts,
        plan=plan,
        placement=placement,
        output=output,
        keep_work=request.keep_work,
        overwrite=request.overwrite,
        draft=draft,
        finished=finished,
        sources={**value_sources(recipe, said, facts), **_machine_sources(recipe, draft, way, why)},
        notes=tuple(notes),
        split=describe_split(recipe, plan, facts, placement),
        way=way,
    )


def take_up(
    recipe: Recipe,
    placement: Placement,
    output: Path,
    *,
    keep_work: bool = False,
    overwrite: bool = False,
    machine: Machine | None = None,
    open_dtype: bool = False,
    show: Callable[[str], object] = str,
) -> Rendering:
    """A film that was decided before, with its model and plan; texts that were left for now are written.

    What leaves the device is decided now if it was left open, by what is free on this `machine` (None: look). With an
    `open_dtype` the film is computed in what suits this machine, which may not be the one where it was decided; one
    that is begun goes on as it was begun. `show` gets each piece of a text as it comes.
    """
    facts, made = open_model(recipe.model, recipe.base), _made(output)
    recipe = write_pending(recipe, made, facts, show)
    if open_dtype and made:
        recipe = recipe.model_copy(update={"dtype": made["dtype"]})
    free = open_dtype and not made
    calibrate = free and load_settings().calibrate
    plan = make_plan(recipe, facts)
    recipe, plan, _ = suit_machine(recipe, facts, plan, placement, dtype=free, calibrate=calibrate)
    way = fit_decided(recipe, facts, plan.windows, placement, machine)
    check_fit(way, recipe, facts)
    placement = _fitted(placement, way)
    _, plan, _ = suit_machine(recipe, facts, plan, placement, dtype=False, calibrate=False)
    return Rendering(
        recipe=recipe,
        facts=facts,
        plan=plan,
        placement=placement,
        output=output,
        keep_work=keep_work,
        overwrite=overwrite,
    )


def make_placement(settings: Settings, options: Mapping[str, Any]) -> Placement:
    """Where to compute, by the settings; of the plugins' `options` those of the parallel backend."""
    return Placement(
        device=settings.device,
        offload=settings.offload,
        attention=settings.attention,
        compile=settings.compile,
        gpus=settings.gpus,
        parallel=settings.parallel,
        options=options.get(settings.parallel or BEST, {}),
    )


def _suited(
    recipe: Recipe,
    plan: Plan,
    facts: ModelFacts,
    draft: Draft,
    placement: Placement,
    settings: Settings,
    request: Request,
) -> tuple[Recipe, Plan, Placement, Way | None, str | None]:
    """Recipe, plan and placement as they suit this machine, how they fit into its memory, and why the dtype is what."""
    free = draft.dtype in (None, AUTO)
    recipe, plan, why = suit_machine(recipe, facts, plan, placement, dtype=free, calibrate=settings.calibrate)
    way = None if request.queued else fit_new(recipe, facts, plan.windows, placement, draft)
    fitted, changed = _fitted(placement, way), way.applied(recipe) if way else recipe
    if changed != recipe or fitted.offload not in ("none", placement.offload):
        plan = make_plan(changed, facts)
        _, plan, _ = suit_machine(changed, facts, plan, fitted, dtype=False, calibrate=settings.calibrate)
    return changed, plan, fitted, way, why


def _fitted(placement: Placement, way: Way | None) -> Placement:
    return replace(placement, offload=way.offload) if way else placement


def _machine_sources(recipe: Recipe, draft: Draft, way: Way | None, why: str | None) -> dict[str, str]:
    """Why values are what they are that this machine decided."""
    found = {"dtype": f"auto: {why}"} if why else {}
    decided = [name for name in ("weights_dtype", "vae") if way and getattr(draft, name) in (None, AUTO)]
    short = [name for name in decided if getattr(recipe, name) != Recipe.model_fields[name].default]
    return {**found, **dict.fromkeys(short, "free memory")}


def _prompted(draft: Draft, notes: list[str]) -> Draft:
    """The draft, with the prompt of the video that it goes on with if it has none."""
    prompt = prompt_of_video(draft)
    if prompt is None:
        return draft
    notes.append(f"prompt from {Path(str(draft.video)).name}: {prompt}")
    return draft.model_copy(update={"prompt": prompt})


def _made(output: Path | None) -> Mapping[str, Any] | None:
    """The recipe of the film that lies there, begun or finished, if there is one."""
    there = expanded(output) if output else None
    made = (read_manifest(work_folder(there)) or identity_of(there)) if there else None
    return made["recipe"] if made else None


def _default_model(settings: Settings, notes: list[str]) -> str:
    if settings.model:
        return settings.model
    for name in bundled_models():
        notes.append(f"no model chosen: using the bundled demo model {name!r} (--model chooses another)")
        return name
    raise UsageError("no-model", "no model is chosen, and none is bundled", "--model df-1.3b-540p")


def _note_unknown_words(recipe: Recipe, notes: list[str]) -> None:
    if words := unknown_words(recipe.model, recipe.texts):
        more = f" and {len(words) - LISTED_WORDS} more" if len(words) > LISTED_WORDS else ""
        known = f"the model {recipe.model!r} knows few words, and not these"
        notes.append(f"{known}: {', '.join(words[:LISTED_WORDS])}{more}")


def _place(request: Request, recipe: Recipe, outdir: Path) -> Path:
    """Where the film goes."""
    now = datetime.now().astimezone()
    default = default_output(recipe.prompt, recipe.seed, outdir, recipe.codec, now)
    return expanded(request.output or like_video(default, recipe))


def _check_output(request: Request, output: Path, recipe: Recipe, plan: Plan, notes: list[str]) -> None:
    """Make certain that the film can be written there."""
    check_container(output, recipe.codec)
    check_output(output, overwrite=request.overwrite or output.absolute() == request.own_output)
    try:
        check_space(output.parent, plan.estimates["disk"].value + video_bytes(recipe))
    except UsageError as error:
        if not request.only_plan:
            raise
        notes.append(error.message)
