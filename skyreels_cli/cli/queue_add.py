"""`skyreels queue add` and `edit`: the options of generate become a job, or change one."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from skyreels_cli.cli.editor import open_editor
from skyreels_cli.cli.moment import coming_moment
from skyreels_cli.cli.options import FileOptions, FilmOptions, MachineOptions
from skyreels_cli.cli.plugin_flags import fold_machine_flags
from skyreels_cli.cli.queue_look import open_store
from skyreels_cli.cli.request import decide_aloud, make_request
from skyreels_cli.cli.takes import takes_of
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.queue.job import Job, JobState, NewJob
    from skyreels_cli.queue.store import Store
    from skyreels_cli.recipe.schema import Draft

PANEL = "In the queue"


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
    after: Annotated[
        int | None, Option(metavar="JOB", help="Start once that job has succeeded.", rich_help_panel=PANEL)
    ] = None
    at: Annotated[str | None, Option(metavar="TIME", help="Start at 22:30, +90m or a date.", rich_help_panel=PANEL)] = (
        None
    )


def add(
    out: Output,
    *,
    text: Annotated[str | None, Argument(metavar="PROMPT", help="What the film shows; - reads stdin.")] = None,
    film: FilmOptions,
    queue: QueueOptions,
    priority: Annotated[int, Option(metavar="N", help="Higher goes first.", rich_help_panel=PANEL)] = 0,
    paused: Annotated[bool, Option("--paused", help="Add it set aside.", rich_help_panel=PANEL)] = False,
    seeds: Annotated[
        str | None, Option(metavar="N,N", help="A job for each of these seeds.", rich_help_panel=PANEL)
    ] = None,
    takes: Annotated[
        int | None, Option(min=1, metavar="N", help="So many jobs, each with a new seed.", rich_help_panel=PANEL)
    ] = None,
    enhance_later: Annotated[
        bool, Option("--enhance-later", help="Have texts written when the job starts.", rich_help_panel=PANEL)
    ] = False,
) -> None:
    """Add a film to the queue: the options of generate, checked now, rendered by `skyreels queue run`."""
    store = open_store()
    if queue.after is not None:
        store.job(queue.after)
    start = _start(queue)
    words = [_worded(text, each, queue, out, enhance_later=enhance_later) for each in takes_of(film, seeds, takes)]
    state: JobState = "paused" if paused else "queued"
    how: dict[str, Any] = {"priority": priority, "state": state, **start}
    jobs = store.add_together([replace(new, **how) for new in words])
    if len(jobs) == 1:
        _tell(jobs[0], store, out)
    else:
        _tell_group(jobs, store, out)


def edit(
    out: Output,
    *,
    job: Annotated[int, Argument(metavar="ID", help="The job.")],
    text: Annotated[str | None, Argument(metavar="PROMPT", help="What the film shows instead.")] = None,
    film: FilmOptions,
    queue: QueueOptions,
    no_after: Annotated[bool, Option("--no-after", help="Wait for no other job.", rich_help_panel=PANEL)] = False,
    no_at: Annotated[bool, Option("--no-at", help="Wait for no moment.", rich_help_panel=PANEL)] = False,
) -> None:
    """Change a job that does not run: by the options of generate, without any in $EDITOR."""
    from skyreels_cli.queue import actions

    store = open_store()
    before = store.job(job)
    if film.recipe.preset:
        raise UsageError("usage", "a job that exists takes no preset", "skyreels queue add --preset NAME")
    start = _start(queue, no_after=no_after, no_at=no_at)
    said = text is not None or film != FilmOptions() or replace(queue, after=None, at=None) != QueueOptions()
    if start and not said:
        actions.set_start(store, job, start)
    else:
        actions.edit(store, job, _changed(text, film, queue, out, before, store, by_hand=not said), start)
    _tell(store.job(job), store, out)


def _start(queue: QueueOptions, *, no_after: bool = False, no_at: bool = False) -> dict[str, float | None]:
    """When a job may start, as far as something was said of that; None takes away what was said before."""
    if (no_after and queue.after is not None) or (no_at and queue.at is not None):
        message = "--no-after and --no-at take away what --after and --at say"
        raise UsageError("usage", message, "leave one of them out")
    start: dict[str, float | None] = {}
    if queue.after is not None or no_after:
        start["after"] = queue.after
    if queue.at is not None or no_at:
        start["not_before"] = coming_moment(queue.at, datetime.now().astimezone()).timestamp() if queue.at else None
    return start


def _changed(
    text: str | None, film: FilmOptions, queue: QueueOptions, out: Output, before: Job, store: Store, *, by_hand: bool
) -> NewJob:
    """What the options, or a person's hand in an editor, make of a job."""
    from skyreels_cli.recipe.presets.load import load_words

    machine, file = _typed_before(film.machine, before), _file_before(film, before)
    with tempfile.TemporaryDirectory() as folder:
        words = _write_words(Path(folder) / f"job-{before.id}.yaml", store.assets.resolve(before.draft))
        if by_hand:
            _reword(words, out)
        changed = replace(film, machine=machine, file=file)
        waits = (before.recipe.get("enhanced") or {}).get("pending", False)
        return _worded(text, changed, queue, out, before, load_words(words), enhance_later=waits)


def _worded(
    text: str | None,
    film: FilmOptions,
    queue: QueueOptions,
    out: Output,
    before: Job | None = None,
    words: Draft | None = None,
    *,
    enhance_later: bool = False,
) -> NewJob:
    """The job that these options say, over the `words` of the one before."""
    from skyreels_cli.queue.job import NewJob
    from skyreels_cli.queue.new_job import new_job

    request = replace(make_request(text, film), enhance_later=enhance_later, queued=True)
    if words:
        request = replace(request, before=words)
    return new_job(
        decide_aloud(request, out),
        request,
        max_attempts=_first(queue.max_attempts, before and before.max_attempts, NewJob.max_attempts),
        degrade=_first(queue.degrade, before and before.degrade, NewJob.degrade),
    )


def _first(*values: Any) -> Any:
    """The first of them that somebody has set."""
    return next(value for value in values if value is not None)


def _typed_before(machine: MachineOptions, before: Job) -> MachineOptions:
    """What was typed, over what the job says."""
    from skyreels_cli.queue.new_job import typed_placement

    typed = typed_placement(fold_machine_flags(machine))
    return replace(machine, use_usp=None, **{**typed_placement(before.placement), **typed})


def _file_before(film: FilmOptions, before: Job) -> FileOptions:
    """Where the film goes: what was typed, over what the job says; another folder takes the name that it has."""
    file, folder = film.file, film.machine.outdir
    kept = folder.absolute() / before.output_path.name if folder else before.output_path
    return FileOptions(
        output=file.output or kept,
        overwrite=file.overwrite or before.overwrite,
        keep_work=file.keep_work or before.keep_work,
    )


def _write_words(file: Path, draft: dict[str, Any]) -> Path:
    """What the job says, as a preset for its new wording to start from."""
    from ruamel.yaml import YAML

    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(draft, stream)
    return file


def _reword(file: Path, out: Output) -> None:
    """Let a person change the file; UsageError `nothing-to-change` where there is nobody, or nothing was changed."""
    before = file.read_text(encoding="utf-8")
    hint = "skyreels queue edit ID --seed 7 (or any other option of generate)"
    if out.no_input or out.json or not sys.stdin.isatty():
        raise UsageError("nothing-to-change", "no option says what is to change", hint)
    open_editor(file)
    if file.read_text(encoding="utf-8") == before:
        raise UsageError("nothing-to-change", "nothing was changed", hint)


def _tell_group(jobs: Sequence[Job], store: Store, out: Output) -> None:
    """The ids on stdout, one a line; what sets the jobs apart on stderr."""
    for job in jobs:
        out.narrate(f"job {job.id}: seed {job.recipe['seed']} → {job.output}")
    out.narrate(f"all of them: skyreels queue cancel --group {jobs[0].group_id} (or pause, resume, retry, remove)")
    if not any(worker.alive for worker in store.workers()):
        out.narrate("nobody is rendering: skyreels queue run")
    data = [{**job.to_dict(), "seed": job.recipe["seed"]} for job in jobs]
    out.result({"group_id": jobs[0].group_id, "jobs": data}, "\n".join(str(job.id) for job in jobs))


def _tell(job: Job, store: Store, out: Output) -> None:
    """The id on stdout; what it will be, and whether anybody is at work, on stderr."""
    data = {**job.to_dict(), "seed": job.recipe["seed"]}
    frames, seconds = job.num_frames, job.plan["duration_s"]
    out.narrate(f"job {job.id}: {frames} frames, {seconds:.1f} s, seed {data['seed']} → {job.output}")
    if job.not_before:
        out.narrate(f"it starts at {datetime.fromtimestamp(job.not_before).astimezone():%a %d %b %H:%M}")
    if job.after:
        out.narrate(f"it starts once job {job.after} has succeeded")
    if not any(worker.alive for worker in store.workers()):
        out.narrate("nobody is rendering: skyreels queue run")
    out.result(data, str(job.id))
