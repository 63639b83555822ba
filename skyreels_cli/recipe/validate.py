"""Turns untrusted values (flags, YAML, JSON) into a `Draft`, or into an error that names the wrong values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from reprlib import Repr
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.recipe.plugin_choices import option_problems
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.shots import ShotDraft, shot_problems

FIELDS = tuple(field.alias or name for name, field in Draft.model_fields.items())
"""The keys of a draft as they are written in a file (`schema`, not `schema_version`)."""

SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 60


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value at `path`, such as `("options", "teacache")`."""

    path: tuple[str | int, ...]
    message: str

    @property
    def key(self) -> str:
        """The path with dots."""
        return ".".join(str(part) for part in self.path)


def find_problems(values: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with these values of a draft."""
    try:
        draft = Draft.model_validate(dict(values))
    except ValidationError as invalid:
        return [_explain(error) for error in invalid.errors()]
    if draft.num_frames is not None and draft.duration is not None:
        return [Problem(("duration",), "num_frames says already how long the film is")]
    shots = [Problem(("shots", *path), message) for path, message in shot_problems(draft.shots or ())]
    options = option_problems(values.get("options") or {})
    return shots + [Problem(("options", *problem.path), problem.message) for problem in options]


def make_draft(values: Mapping[str, Any], spell: Callable[[str], str] = str) -> Draft:
    """The draft with these values; `spell` turns a key into what was typed (`--num-frames`).

    Raises UsageError `bad-value` for the first problem.
    """
    problems = find_problems(values)
    if problems:
        message = f"{spell(problems[0].key)}: {problems[0].message}"
        raise UsageError("bad-value", message, "skyreels generate --help")
    return Draft.model_validate(dict(values))


def _explain(error: ErrorDetails) -> Problem:
    """An error of pydantic as a problem: `0 should be greater than or equal to 1`."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        fields = ShotDraft.model_fields if path[0] == "shots" and len(path) > 1 else FIELDS
        return Problem(path, f"unknown key{did_you_mean(str(path[-1]), fields)}")
    should = error["msg"].removeprefix("Input ").split(", unable")[0]
    return Problem(path, f"{SHORT.repr(error['input'])} {should}")
