"""`skyreels queue add` and `edit`: the options of generate become a job, or change one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import split
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from skyreels_cli.cli.options import FileOptions, LaterOptions, MachineOptions, RecipeOptions
from skyreels_cli.cli.prepare import Options, prepare, typed_draft
from skyreels_cli.cli.queue_look import open_store
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.queue.job import Job, NewJob
    from skyreels_cli.queue.store import Store
    from skyreels_cli.recipe.schema import Draft

PANEL = "In the queue"
MACHINE = ("device", "offload", "attention")


@dataclass(frozen=True)
class QueueOptions:
    """How a job is treated in the queue."""

    max_attempts: Annotated[
        int | None, Option(min=1, metavar="N", help="Starts without getting further.", rich_help_panel=PANEL)
    ] = None
    degrade: Annotated[
        bool | None,
        Option(
            "--degrade/--no-degrade",
            help="Out of memory: offload, then smaller windows, then fp8.",
            rich_help_panel=PANEL,
        ),
    ] = None


def add(
    out: Output,
    *,
    text: Annotated[str | None, Argument(metavar="PROMPT", help="What the film shows; - reads stdin.")] = None,
    recipe: RecipeOptions,
    later: LaterOptions,
    file: FileOptions,
    machine: MachineOptions,
    queue: QueueOptions,
    priority: Annotated[int, Option(metavar="N", help="Higher goes first.", rich_help_panel=PANEL)] = 0,
    paused: Annotated[bool, Option("--paused", help="Add it set aside.", rich_help_panel=PANEL)] = False,
) -> None:
    """Add a film to the queue: the options of generate, checked now, rendered by `skyreels queue run`."""
    store = open_store()
    new = _worded(Options(text, recipe, later, machine, file), queue, store, out)
    job = store.add(replace(new, priority=priority, state="paused" if paused else "queued"))
    _tell(job, store, out)


def edit(
    out: Output,
    *,
    job: Annotated[int, Argument(metavar="ID", help="The job.")],
    text: Annotated[str | None, Argument(metavar="PROMPT", help="What the film shows instead.")] = None,
    recipe: RecipeOptions,
    later: LaterOptions,
    file: FileOptions,
    machine: MachineOptions,
    queue: QueueOptions,
) -> None:
    """Change a job that does not run: by the options of generate, without any in $EDITOR."""
    from skyreels_cli.queue import actions

    store = open_store()
    before = store.job(job)
    if recipe.preset:
        raise UsageError("usage", "a job that exists takes no preset", "skyreels queue add --preset NAME")
    options = Options(text, recipe, later, _typed_before(machine, before), _file_before(file, before))
    with tempfile.TemporaryDirectory() as folder:
        words = _write_words(Path(folder) / f"job-{job}.yaml", store.assets.resolve(before.draft))
        if text is None and all(group == type(group)() for group in (recipe, machine, file, queue)):
            _open_editor(words, out)
        options = replace(options, recipe=replace(recipe, preset=str(words)))
        new = _worded(options, queue, store, out, before)
    actions.edit(store, job, new)
    _tell(store.job(job), store, out)


def _worded(options: Options, queue: QueueOptions, store: Store, out: Output, before: Job | None = None) -> NewJob:
    """The job that these options say, with everything decided that must not change between its attempts."""
    from skyreels_cli.plan.dry_run import plan_data
    from skyreels_cli.plan.planner import make_plan
    from skyreels_cli.queue.assets import FIELDS as ASSET_FIELDS
    from skyreels_cli.queue.job import NewJob
    from skyreels_cli.recipe.merge import merge
    from skyreels_cli.recipe.presets import load_preset
    from skyreels_cli.recipe.schema import Draft
    from skyreels_cli.settings import load_settings

    typed = typed_draft(options.prompt, options.recipe)
    # Standard input can be read only once.
    options = replace(options, prompt=typed.prompt, recipe=replace(options.recipe, prompt=None))
    film = prepare(options, out)
    if film.plan.endless:
        message = "an endless film would never let the next job begin"
        raise UsageError("queue-endless", message, "--duration 60s, or skyreels generate with --duration inf")
    preset = options.recipe.preset
    draft = merge(load_preset(preset, load_settings().presets_dir) if preset else Draft(), typed)
    recipe = film.recipe
    settled = {name: getattr(recipe, name) for name in ("seed", "model", *ASSET_FIELDS)}
    if not draft.shots:  # they have prompts of their own
        settled["prompt"] = recipe.prompt
    plan = make_plan(recipe, film.facts, store.pace(recipe.dtype))
    return NewJob(
        draft={**_said(draft), **{name: value for name, value in settled.items() if value is not None}},
        recipe=recipe.model_dump(mode="json", by_alias=True),
        plan={**plan_data(plan), "family": film.facts.family},
        output=film.output.absolute(),
        output_is_default=options.file.output is None,
        overwrite=film.overwrite,
        keep_work=film.keep_work,
        placement={name: value for name in MACHINE if (value := getattr(options.machine, name)) is not None},
        max_attempts=_first(queue.max_attempts, before and before.max_attempts, NewJob.max_attempts),
        degrade=_first(queue.degrade, before and before.degrade, NewJob.degrade),
    )


def _said(draft: Draft) -> dict[str, Any]:
    return draft.model_dump(mode="json", by_alias=True, exclude_none=True)


def _first(*values: Any) -> Any:
    """The first of them that somebody has set."""
    return next(value for value in values if value is not None)


def _typed_before(machine: MachineOptions, before: Job) -> MachineOptions:
    said = {name: getattr(machine, name) or before.placement.get(name) for name in MACHINE}
    return replace(machine, **said)


def _file_before(file: FileOptions, before: Job) -> FileOptions:
    return FileOptions(
        output=file.output or before.output_path,
        overwrite=file.overwrite or before.overwrite,
        keep_work=file.keep_work or before.keep_work,
    )


def _write_words(file: Path, draft: dict[str, Any]) -> Path:
    """What the job says, as a preset for its new wording to start from."""
    from ruamel.yaml import YAML

    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(draft, stream)
    return file


def _open_editor(file: Path, out: Output) -> None:
    """Let a person change the file; UsageError `nothing-to-change` where there is nobody, or nothing was changed."""
    before = file.read_text(encoding="utf-8")
    hint = "skyreels queue edit ID --seed 7 (or any other option of generate)"
    if out.no_input or out.json or not sys.stdin.isatty():
        raise UsageError("nothing-to-change", "no option says what is to change", hint)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    subprocess.run([*split(editor), str(file)], check=True)
    if file.read_text(encoding="utf-8") == before:
        raise UsageError("nothing-to-change", "nothing was changed", hint)


def _tell(job: Job, store: Store, out: Output) -> None:
    """The id on stdout; what it will be, and whether anybody is at work, on stderr."""
    data = {**job.to_dict(), "seed": job.recipe["seed"]}
    frames, seconds = job.num_frames, job.plan["duration_s"]
    out.narrate(f"job {job.id}: {frames} frames, {seconds:.1f} s, seed {data['seed']} → {job.output}")
    if not any(worker.alive for worker in store.workers()):
        out.narrate("nobody is rendering: skyreels queue run")
    out.result(data, str(job.id))
