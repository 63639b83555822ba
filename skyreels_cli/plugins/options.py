"""Checks the options of plugins against the pydantic model in which a plugin declares them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from skyreels_cli.errors import UsageError, did_you_mean
from skyreels_cli.plugins.specs import Spec


class Options(BaseModel):
    """Base class of a plugin's options: unknown names are refused, and instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class OptionProblem:
    """What is wrong with the option at `path`, such as `("teacache", "threshold")`."""

    path: tuple[str, ...]
    message: str


def options_model(spec: Spec) -> type[BaseModel]:
    """The pydantic model of a spec's options; one without fields if the spec has no options."""
    return spec.options or Options


def make_options(spec: Spec, values: Mapping[str, Any]) -> BaseModel:
    """A spec's options with these values and its defaults; UsageError `bad-option` for the first that is wrong."""
    for problem in find_problems(spec, values):
        name = ".".join(problem.path)
        raise UsageError("bad-option", f"{name}: {problem.message}", f"skyreels plugins show {spec.name}")
    return options_model(spec).model_validate(dict(values))


def find_problems(spec: Spec, values: Mapping[str, Any]) -> Iterator[OptionProblem]:
    """Everything that is wrong with these values of a spec's options."""
    model = options_model(spec)
    unknown = sorted(values.keys() - model.model_fields.keys())
    for name in unknown:  # checked here, because the model of a third party may ignore them
        near = did_you_mean(name, model.model_fields)
        yield OptionProblem((spec.name, name), f"{spec.name} has no such option{near}")
    try:
        model.model_validate({name: value for name, value in values.items() if name not in unknown})
    except ValidationError as invalid:
        for error in invalid.errors():
            should = error["msg"].removeprefix("Input ").removeprefix("Value error, ").split(", unable")[0]
            path = (spec.name, *(str(part) for part in error["loc"]))
            yield OptionProblem(path, f"{error['input']!r} {should}")


def parse_options(texts: list[str]) -> dict[str, dict[str, Any]]:
    """`["teacache.threshold=0.2", …]` as options by plugin; values are JSON where they can be, else text."""
    parsed: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        plugin, dot, option = name.strip().partition(".")
        if not (equals and dot and plugin and option):
            message = f"-O {text}: expected plugin.option=value"
            raise UsageError("bad-option", message, "-O teacache.threshold=0.1")
        parsed.setdefault(plugin, {})[option.replace("-", "_")] = _value(value)
    return parsed


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()
