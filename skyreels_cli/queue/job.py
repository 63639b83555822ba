"""What the queue knows about a job, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from sqlite3 import Row
from typing import Any, Literal, Self, get_args

from skyreels_cli.errors import UsageError, did_you_mean

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]

WAITING: tuple[JobState, ...] = ("queued", "paused")
UNFINISHED: tuple[JobState, ...] = ("running", *WAITING)
FINISHED: tuple[JobState, ...] = ("succeeded", "failed", "cancelled")


def check_states(words: Sequence[str]) -> list[JobState]:
    """The words as states, or UsageError `bad-state`."""
    states = get_args(JobState)
    for word in words:
        if word not in states:
            message = f"{word!r} is no state of a job{did_you_mean(word, states)}"
            raise UsageError("bad-state", message, f"one of: {', '.join(states)}")
    return [state for state in states if state in words]


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A line of the list. Times are seconds since 1970; `steps_done / total_steps` is how far the film is.

    `request` is what a running job has been asked for and not done yet: `cancel` or `pause`. `attempts` counts
    the starts since the film last got further; with `max_attempts` of them the job has failed. It starts once the job
    `after` has succeeded, and not before `not_before`. Jobs that were added together share a `group_id`: the id of
    the first one, also when that one is gone.
    """

    id: int
    state: JobState
    priority: int
    position: float
    prompt: str
    model: str
    resolution: str
    num_frames: int
    output: str
    steps_done: int
    total_steps: int
    attempts: int
    max_attempts: int
    request: str | None
    owner: str | None
    retry_at: float | None
    after: int | None
    not_before: float | None
    group_id: int | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    error_code: str | None
    revision: int

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Job(JobSummary):
    """All there is to know about a job.

    `draft` is what was said (fields of `recipe.schema.Draft`; pictures as `asset:<sha256>/<name>`, which
    `Assets.resolve` turns into paths); `placement` what was said of the machine. `recipe` (its pictures likewise) is
    what was decided when the job was added or edited; `overrides` what running out of memory has changed since, step by
    step in `degradations`; `plan` (`plan.dry_run.plan_data`, plus `family`) is as of adding or of the last start.
    `progress` is described in `queue.progress`; `result` is the `FilmDone` event; `error` has `code`, `message`, `hint`
    and `exit_code`.
    """

    uid: str
    draft: dict[str, Any]
    placement: dict[str, Any]
    overwrite: bool
    output_before: str | None
    keep_work: bool
    reworded: bool
    model_key: str
    recipe: dict[str, Any]
    plan: dict[str, Any]
    degrade: bool
    overrides: dict[str, Any]
    degradations: list[dict[str, Any]]
    best_steps: int
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None

    @classmethod
    def of(cls, row: Row) -> Self:
        """From a row of the table."""
        values = {field.name: row[field.name] for field in fields(cls)}
        for name in ("draft", "placement", "recipe", "plan", "overrides", "degradations", "progress"):
            values[name] = json.loads(values[name])
        for name in ("result", "error"):
            values[name] = json.loads(values[name]) if values[name] else None
        for name in ("overwrite", "keep_work", "reworded", "degrade"):
            values[name] = bool(values[name])
        return cls(**values)

    @property
    def output_path(self) -> Path:
        """Where the film goes."""
        return Path(self.output)

    @property
    def current_recipe(self) -> dict[str, Any]:
        """The recipe, with what running out of memory has changed in it."""
        return {**self.recipe, **{name: value for name, value in self.overrides.items() if name != "offload"}}


SUMMARY_COLUMNS = ", ".join(field.name for field in fields(JobSummary))


@dataclass(frozen=True)
class NewJob:
    """A job to be added: a draft with its seed, and the recipe and plan that it came to.

    `output` must be absolute; where it was not chosen by anybody (`output_is_default`) a number is appended if
    another job writes there.
    """

    draft: dict[str, Any]
    recipe: dict[str, Any]
    plan: dict[str, Any]
    output: Path
    output_is_default: bool = False
    overwrite: bool = False
    keep_work: bool = False
    placement: dict[str, Any] | None = None
    priority: int = 0
    max_attempts: int = 3
    degrade: bool = True
    state: JobState = "queued"
    after: int | None = None
    not_before: float | None = None


def model_key(recipe: dict[str, Any], placement: dict[str, Any]) -> str:
    """Equal for jobs between which a renderer can probably keep its model loaded; it compares their `WeightsSpec`."""
    what = [recipe.get(name) for name in ("model", "base", "dtype", "weights_dtype", "vae", "lora")]
    return json.dumps([*what, *(placement.get(name) for name in ("device", "offload", "attention", "compile"))])


def place_text(place: Mapping[str, str]) -> str:
    """`queued (slurm 4711, 3rd)` or `running (slurm 4711 on n2)`, from the `place` of a renderer's sample."""
    return f"{'queued' if place['state'] == 'waiting' else 'running'} ({place['text']})"


@dataclass(frozen=True)
class WorkerInfo:
    """A worker at work: one renderer on one device; `alive` as of the moment of asking.

    `sample` is the last of its renderer or executor, with a `rest_reason` if the device seems to be broken, a `place`
    if its job is on another machine, the `warm` model's key and the `patience` with which jobs of that model may still
    pass others by. `heartbeat_at` is the time of its last heartbeat; `asked_to_stop`: it leaves once its job is saved.
    """

    id: str
    host: str
    pid: int
    device: str
    executor: str
    started_at: float
    heartbeat_at: float
    alive: bool
    job: int | None
    asked_to_stop: bool
    sample: dict[str, Any]

    @property
    def place(self) -> str | None:
        """Where its job is, as `place_text` says it; None on this machine."""
        return place_text(self.sample["place"]) if self.job and self.sample.get("place") else None

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)
