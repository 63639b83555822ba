"""What a plugin hands over: light specs, so that listing every plugin imports no torch.

A plugin is a module behind an entry point of the group `skyreels`. It says which API it was made for
(`SKYREELS_API = 1`) and implements hooks of `hookspecs.py`, each of which returns specs from this file. The code
behind a spec is a `target`, loaded only when somebody uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pluggy

if TYPE_CHECKING:
    from pydantic import BaseModel

API_VERSION = 1
"""Raised when a hook or a protocol changes so that plugins must be changed too."""

PROJECT = "skyreels"
"""Name of the pluggy project and of the entry-point group."""

hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Spec:
    """One thing that a plugin adds.

    `name` is what people type, in small letters; `summary` one line for lists; `target` is `"module:attribute"`.
    `options` is a pydantic model whose fields all have defaults: it gives `-O name.field=value`, the checks of
    presets, the JSON Schema and the text of `skyreels plugins show`.
    """

    kind: ClassVar[str] = ""

    name: str
    summary: str
    target: str
    options: type[BaseModel] | None = None


@dataclass(frozen=True)
class SchedulerSpec(Spec):
    """`--scheduler NAME`; the target is called as `target(setting, options)` and returns a `Scheduler`."""

    kind: ClassVar[str] = "scheduler"


@dataclass(frozen=True)
class CacheSpec(Spec):
    """`--cache NAME`; the target is called as `target(setting, options)` once per window and returns a `Cache`.

    `checkpointable`: its `state_dict` is small enough to be saved with a window in progress; otherwise a window
    that is interrupted begins again. `df_warning`: why it does not suit diffusion-forcing (DF) models, if so. `agrees`:
    several GPUs can share a film, as all that it decides by the tokens goes through `Pass.agree`; without it they are
    refused. `memory` is a second target that imports no torch: `memory(setting, options)` returns the `CacheMemory` of
    a window, for the plan.
    """

    kind: ClassVar[str] = "cache"

    checkpointable: bool = False
    df_warning: str | None = None
    agrees: bool = False
    memory: str | None = None


@dataclass(frozen=True)
class ParallelSpec(Spec):
    """`--parallel NAME`; the target is called as `target(options)` and returns a `Parallel`."""

    kind: ClassVar[str] = "parallel"


@dataclass(frozen=True)
class ModelSpec(Spec):
    """A model that comes with the package; the target is called without arguments and returns its folder.

    A package may instead return a JSON file of the catalogue (`skyreels_cli.hub.entry.Catalogue`): models that can be
    downloaded, under the names in there.

    `unknown_words`, a second target, is called with a prompt and returns the words in it that mean nothing to the
    model, so that people are told; a model that was trained on a few words should have it.
    """

    kind: ClassVar[str] = "model"

    unknown_words: str | None = None


@dataclass(frozen=True)
class EnhancerSpec(Spec):
    """`--prompt-enhancer NAME`; the target is called as `target(options, model)` and returns a `PromptEnhancer`.

    `model` is the language model that somebody asked for, or None. `own_process`: it runs in a process that ends before
    the film's model loads; one that takes neither memory nor time can do without. `ready`, a second target, is called
    without arguments and says whether the enhancer may be chosen where none is named: it must be quick, and true only
    where a person has set the enhancer up.
    """

    kind: ClassVar[str] = "enhancer"

    own_process: bool = True
    ready: str | None = None


@dataclass(frozen=True)
class ExecutorSpec(Spec):
    """`queue run --executor NAME`; the target is called as `target(options)` and returns an `Executor`."""

    kind: ClassVar[str] = "executor"


@dataclass(frozen=True)
class CommandSpec(Spec):
    """`skyreels NAME …`; the target is a `typer.Typer`, whose commands find the program's `Output` in `context.obj`."""

    kind: ClassVar[str] = "command"
