"""From typed options to everything a render needs, all of it decided before a weight is loaded."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyreels_cli.cli.options import FileOptions, LaterOptions, MachineOptions, RecipeOptions
from skyreels_cli.cli.plugin_commands import warn_of_broken_plugins
from skyreels_cli.cli.plugin_flags import fold_machine_flags, fold_plugin_flags, spell
from skyreels_cli.cli.unbuilt import refuse_unbuilt
from skyreels_cli.cli.video import check_video_options, check_video_rate, like_video, prompt_of_video, video_bytes
from skyreels_cli.errors import UsageError
from skyreels_cli.film.folder.manifest import read_manifest, work_folder
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.plan.plan import Plan
    from skyreels_cli.recipe.schema import Draft, Recipe
    from skyreels_cli.settings import Settings


@dataclass(frozen=True)
class Options:
    """All that was typed behind `generate`."""

    prompt: str | None
    recipe: RecipeOptions
    later: LaterOptions
    machine: MachineOptions
    file: FileOptions


@dataclass(frozen=True, kw_only=True)
class Job(Rendering):
    """One film, decided: what, with which model, in which windows, computed where, written where.

    `sources` says for each field of the recipe where its value comes from; `draft` is what was said, preset included
    (None if the recipe comes whole, from an unfinished film); `split` how several GPUs share the work.
    """

    sources: Mapping[str, str]
    draft: Draft | None = None
    split: str | None = None


def prepare(options: Options, out: Output) -> Job:
    """Decide everything; raises UsageError (or PluginError) for whatever would make the render fail later."""
    from skyreels_cli.cli.explain import value_sources
    from skyreels_cli.film.ranks.split import describe_split
    from skyreels_cli.hub.open import open_model
    from skyreels_cli.plan.planner import make_plan
    from skyreels_cli.recipe.complete import complete
    from skyreels_cli.recipe.merge import merge
    from skyreels_cli.recipe.presets.load import load_preset
    from skyreels_cli.recipe.schema import Draft
    from skyreels_cli.settings import load_settings

    warn_of_broken_plugins(out)
    settings = load_settings(**fold_machine_flags(options.machine))
    typed = typed_draft(options.prompt, options.recipe)
    preset_name = options.recipe.preset
    preset = load_preset(preset_name, settings.presets_dir) if preset_name else Draft()
    check_video_options(typed)
    draft = prompt_of_video(merge(preset, typed), out)
    refuse_unbuilt(options.later, draft)
    draft = _as_begun(draft, options.file)
    facts = open_model(draft.model or _default_model(settings, out))
    recipe = complete(draft, facts)
    _tell_unknown_words(recipe, out)
    check_video_rate(typed, recipe)
    plan = make_plan(recipe, facts)
    placement = _placement(settings, draft.options or {})
    return Job(
        recipe=recipe,
        facts=facts,
        plan=plan,
        placement=placement,
        output=_checked_output(options.file, recipe, plan, settings.outdir),
        sources=value_sources(recipe, typed, preset_name, preset, facts),
        keep_work=options.file.keep_work,
        overwrite=options.file.overwrite,
        draft=draft,
        split=describe_split(recipe, plan, facts, placement),
    )


def make_placement(machine: MachineOptions) -> Placement:
    """Where to compute, from typed options and settings."""
    from skyreels_cli.settings import load_settings

    return _placement(load_settings(**fold_machine_flags(machine)), {})


def _placement(settings: Settings, options: Mapping[str, Any]) -> Placement:
    from skyreels_cli.film.ranks.split import BEST

    return Placement(
        device=settings.device,
        offload=settings.offload,
        attention=settings.attention,
        gpus=settings.gpus,
        parallel=settings.parallel,
        options=options.get(settings.parallel or BEST, {}),
    )


def _as_begun(draft: Draft, file: FileOptions) -> Draft:
    """The same command again goes on with the film: with the seed that it drew, and its re-rolls."""
    from skyreels_cli.recipe.schema import Draft

    manifest = read_manifest(work_folder(file.output.expanduser())) if file.output else None
    if not manifest:
        return draft
    begun = {"seed": manifest["recipe"]["seed"], "rerolls": manifest["recipe"].get("rerolls")}
    return Draft.model_validate(begun | draft.model_dump(exclude_none=True, by_alias=True))


def typed_draft(prompt: str | None, options: RecipeOptions) -> Draft:
    """Return the typed options as a draft, over what their shots file says; a prompt `-` is read from stdin."""
    from skyreels_cli.recipe.merge import merge
    from skyreels_cli.recipe.presets.load import load_shots
    from skyreels_cli.recipe.schema import Draft
    from skyreels_cli.recipe.validate import make_draft

    if prompt is not None and options.prompt is not None:
        raise UsageError("usage", "the prompt is given twice, as PROMPT and as --prompt", "leave one of them out")
    if options.num_frames is not None and options.duration is not None:
        message = "--num-frames and --duration both say how long the film is"
        raise UsageError("usage", message, "leave one of them out")
    said = {name: value for name, value in asdict(options).items() if value is not None}
    said = {name: value for name, value in said.items() if name not in ("preset", "shots")}  # these are files
    if prompt is not None:
        said["prompt"] = prompt
    if said.get("prompt") == "-":
        said["prompt"] = sys.stdin.read().strip()
    shots = load_shots(options.shots) if options.shots else Draft()
    return merge(shots, make_draft(fold_plugin_flags(said), spell))


def _default_model(settings: Settings, out: Output) -> str:
    from skyreels_cli.hub.catalogue import bundled_models

    if settings.model:
        return settings.model
    for name in bundled_models():
        out.narrate(f"no model chosen: using the bundled demo model {name!r} (--model chooses another)")
        return name
    raise UsageError("no-model", "no model is chosen, and none is bundled", "--model df-1.3b-540p")


def _tell_unknown_words(recipe: Recipe, out: Output) -> None:
    from skyreels_cli.hub.catalogue import unknown_words

    if words := unknown_words(recipe.model, recipe.texts):
        more = f" and {len(words) - 6} more" if len(words) > 6 else ""
        out.narrate(f"the model {recipe.model!r} knows few words, and not these: {', '.join(words[:6])}{more}")


def _checked_output(file: FileOptions, recipe: Recipe, plan: Plan, outdir: Path) -> Path:
    """Return where the film goes, once it is certain that it can be written there."""
    from skyreels_cli.media.codecs import check_container
    from skyreels_cli.media.output import check_output, check_space, default_output

    now = datetime.now().astimezone()
    default = default_output(recipe.prompt, recipe.seed, outdir, recipe.codec, now)
    output = file.output or like_video(default, recipe)
    output = output.expanduser()
    check_container(output, recipe.codec)
    check_output(output, overwrite=file.overwrite)
    check_space(output.parent, plan.estimates["disk"].value + video_bytes(recipe))
    return output
