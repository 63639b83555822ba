"""What a door (command line, form) hands to the intake: what somebody said, nothing decided yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skyreels_cli.recipe.schema import Draft


@dataclass(frozen=True, kw_only=True)
class Request:
    """One film as it was asked for.

    `typed` wins over `presets` (whatever `load_for_use` takes, later ones over earlier ones), those over `before` (what
    a job that is edited says already), that over the model's defaults.
    `machine` holds settings that were typed, by their names. With `only_plan` nothing is to be rendered: a film may be
    larger than the disk, and a model of the catalogue need not be on this machine.
    `own_output` is a file that may be there: the film of the job that is being edited. With `enhance_later`, texts that
    a prompt enhancer shall write are written when the film begins. With `go_on`, an unfinished film that the same words
    began is meant where no `output` is said. A `queued` film fits into the memory that is free when its turn comes.
    """

    typed: Draft
    presets: tuple[str, ...] = ()
    before: Draft = field(default_factory=Draft)
    machine: Mapping[str, Any] = field(default_factory=dict)
    output: Path | None = None
    overwrite: bool = False
    keep_work: bool = False
    only_plan: bool = False
    own_output: Path | None = None
    enhance_later: bool = False
    go_on: bool = False
    queued: bool = False
