"""Turns untrusted values (flags, YAML, JSON) into a `Draft`, or into an error that names the wrong values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from reprlib import Repr
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from skyreels_cli.errors import UsageError, did_you_mean, printable
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.shots import shot_problems

LONGEST_MESSAGE = 400
MOST_NEAR = 50
"""Problems up to which near words are looked for, 0.2 ms each; nobody mistypes more keys."""
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
        return printable(".".join(str(part) for part in self.path))


def find_problems(values: Mapping[str, Any], kind: type[Draft] = Draft) -> list[Problem]:
    """Everything that is wrong with these values of a draft, or of a preset."""
    try:
        draft = kind.model_validate(dict(values))
    except ValidationError as invalid:
        found = invalid.errors()
        return [_explain(error, kind, near=len(found) <= MOST_NEAR) for error in found]
    if draft.num_frames is not None and draft.duration is not None:
        return [Problem(("duration",), "num_frames says already how long the film is")]
    shots = [Problem(("shots", *path), message) for path, message in shot_problems(draft.shots or ())]
    return shots + _option_problems(values.get("options"))


def _option_problems(options: Mapping[str, Any] | None) -> list[Problem]:
    if not options:
        return []
    from skyreels_cli.recipe.plugin_choices import option_problems  # asks the plugins: 13 ms, and more to find them

    return [Problem(("options", *problem.path), problem.message) for problem in option_problems(options)]


def make_draft(values: Mapping[str, Any], spell: Callable[[str], str] = str) -> Draft:
    """The draft with these values; `spell` turns a key into what was typed (`--num-frames`).

    Raises UsageError `bad-value` for the first problem.
    """
    problems = find_problems(values)
    if problems:
        message = f"{spell(problems[0].key)}: {problems[0].message}"
        raise UsageError("bad-value", message, "skyreels generate --help")
    return Draft.model_validate(dict(values))


def _explain(error: ErrorDetails, kind: type[BaseModel], *, near: bool) -> Problem:
    """An error of pydantic as a problem: `0 should be greater than or equal to 1`."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        meant = did_you_mean(str(path[-1])[:80], _known_keys(kind, path)) if near else ""
        return Problem(path, f"unknown key{meant}")
    should = error["msg"].removeprefix("Input ").removeprefix("Value error, ").split(", unable")[0]
    return Problem(path, printable(f"{SHORT.repr(error['input'])} {should}", LONGEST_MESSAGE))


def _known_keys(kind: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys there are where a path leads, as people write them (`schema`, not `schema_version`)."""
    for part in path[:-1]:
        if isinstance(part, str):
            kind = next(_models(kind.model_fields[part].annotation))
    return [field.alias or name for name, field in kind.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models within `list[ShotDraft] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
